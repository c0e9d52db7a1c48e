package tokens

// Reencode reads a record and writes it again.
func Reencode(raw []byte) ([]byte, error) {
	r, err := decode(raw)
	if err != nil {
		return nil, err
	}
	if err := r.encode(); err != nil {
		return nil, err
	}
	return r.raw, nil
}

// Clean is what a stored refusal's text goes through.
var Clean = clean
