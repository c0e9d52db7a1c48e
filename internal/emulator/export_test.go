package emulator

// ParseForm is the parser of all forms.
var ParseForm = parseForm

const (
	MaxForm = maxForm
	MaxLog  = maxLog

	MaxForms  = maxForms
	MaxRecent = maxRecent
)
