package objects

import (
	"io"
	"os"

	"github.com/refmon/refmon/sid"
)

// maxHead is how many bytes of a file tell whether it holds objects.
const maxHead = 256 << 10

// Holds reports whether a file holds objects with descriptors, in a form that
// [Open] reads, as its first object tells.
func Holds(path string) (holds bool) {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	source, err := Open(path, io.LimitReader(f, maxHead))
	if err != nil {
		return false
	}
	var b Batch
	if source.Next(&b) != nil {
		return false
	}
	first := true
	b.Each(func(o *Object) {
		if first && o.Err == nil {
			_, err := o.Descriptor(sid.MustParse("S-1-5-21-0-0-0"))
			holds = err == nil
		}
		first = false
	})
	return holds
}
