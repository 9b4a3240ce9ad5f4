package source

import (
	"io"
	"os"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
)

// maxHead is the number of bytes of a file that Holds reads.
const maxHead = 256 << 10

// Holds reports whether [Open] can read the regular file at path and its first object has a valid descriptor. It reads
// at most 256 KiB. It returns false for any other file, which it does not open, and one that it cannot open.
func Holds(path string) (holds bool) {
	// A pipe would wait for a writer, and a device can act on being opened.
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	source, err := Open(path, io.LimitReader(f, maxHead))
	if err != nil {
		return false
	}
	var b objects.Batch
	if source.Next(&b) != nil {
		return false
	}
	first := true
	b.Each(func(o *objects.Object) {
		if first && o.Err == nil {
			_, err := o.Descriptor(sid.MustParse("S-1-5-21-0-0-0"))
			holds = err == nil
		}
		first = false
	})
	return holds
}
