//go:build unix

package tokens

import "io/fs"

// CheckOwner returns what is wrong with a directory of this mode and owner, for a process of user
// us.
func CheckOwner(path string, mode fs.FileMode, owner, us int, o DirOptions) error {
	return o.folder(path, mode, owner, us, false).err
}

// CheckFile returns what is wrong with the file of a value.
func CheckFile(o DirOptions, mode fs.FileMode, owner, us int, links uint64, shared bool) error {
	return o.file(mode, owner, us, links, shared).err
}
