list sites
