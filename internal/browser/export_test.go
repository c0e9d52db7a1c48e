package browser

var Platform = platform
