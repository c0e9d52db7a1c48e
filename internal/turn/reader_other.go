//go:build !unix

package turn

// Read reads what is typed: here no program is in the background of a terminal.
func (r *Reader) Read(p []byte) (n int, err error) { return r.File.Read(p) }

// IsAway reports whether this program is in the background of the terminal.
func (r *Reader) IsAway() bool { return false }
