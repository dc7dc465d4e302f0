help scenarios
