//go:build unix

package tokens

import (
	"io/fs"
	"syscall"
)

const (
	// hasOwners: files have an owner and a mode, and any user can make links.
	hasOwners = true
	// onlyDir after a path lets nothing but a directory be opened. A named pipe would hang.
	onlyDir = "/"
	// openFlags let nothing hang that is no plain file, and follow no link.
	openFlags = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
)

// ownerOf returns whose a file is, and how many names it has.
func ownerOf(info fs.FileInfo) (user int, links uint64, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), uint64(stat.Nlink), true
}
