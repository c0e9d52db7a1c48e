package httplogin

var CheckReturnTo = checkReturnTo
