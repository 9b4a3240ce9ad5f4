package icacls

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// A path without a descriptor is an object whose error has the number of the path's line. Empty lines count. An error
// of the reader ends the reading, also after a path.
func TestPathWithoutDescriptorNamesItsLine(t *testing.T) {
	broken := errors.New("the disk is gone")
	for text, line := range map[string]string{"last": "1", "a\nD:\nlast\n": "3", "a\nD:\nlast\n\n\r\n": "3",
		"\r\na\n\nD:\r\n\nlast\r\n": "6"} {
		var b objects.Batch
		check.NoError(t, New(strings.NewReader(text)).Next(&b))
		got := ""
		b.Each(func(o *objects.Object) {
			if o.Err != nil {
				got += string(o.Path) + ": " + o.Err.Error()
			}
		})
		check.Equal(t, got, "last: line "+line+": the path is the last line, its descriptor is missing", "error in %q", text)
		s := New(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		check.ErrorIs(t, s.Next(&b), broken, "error after %q", text)
	}
}
