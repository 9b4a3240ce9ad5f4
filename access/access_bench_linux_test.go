package access_test

import (
	"testing"
	"unsafe"

	"github.com/refmon/refmon/sd"
	"golang.org/x/sys/unix"
)

// collapse moves descriptors to huge pages, as Linux does by itself on a server whose transparent_hugepage is
// "always".
func collapse(b *testing.B, all []*sd.Descriptor) {
	const page = 2 << 20
	lo, hi := ^uintptr(0), uintptr(0)
	for _, d := range all {
		block, bytes := uintptr(unsafe.Pointer(d)), uintptr(unsafe.Pointer(unsafe.StringData(d.Owner().Binary())))
		lo, hi = min(lo, block, bytes), max(hi, block, bytes)
	}
	done, last := 0, error(nil)
	for at := lo &^ (page - 1); at < hi; at += page {
		if _, _, e := unix.Syscall(unix.SYS_MADVISE, at, page, unix.MADV_COLLAPSE); e != 0 {
			last = e
			continue
		}
		done++
	}
	if done == 0 {
		b.Skipf("no huge pages here: %v", last)
	}
}
