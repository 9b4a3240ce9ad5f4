package icacls

import (
	"errors"
	"fmt"
	"io"
	"slices"
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
		"\r\r\na\n\nD:\r\r\n\nlast\r\n": "6"} {
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

// A path without a descriptor, and a descriptor without a path, change no other object.
func TestOddLinesChangeNoOtherPair(t *testing.T) {
	const a, b, c = "a\nD:(A;;FR;;;WD)\n", "b\nD:P\n", "c\nO:BAD:AI\n"
	const first, second, third = "a D:(A;;FR;;;WD)", "b D:P", "c O:BAD:AI"
	long := strings.Repeat("x", objects.MaxLine/2)
	const bare = "x line %d: the path has no descriptor in SDDL"
	for text, want := range map[string][]string{
		a + "x\n" + b + c:        {first, fmt.Sprintf(bare, 3), second, third},
		a + "x\r\n\r\n" + b + c:  {first, fmt.Sprintf(bare, 3), second, third},
		"x\nx\n" + a + b + c:     {fmt.Sprintf(bare, 1), fmt.Sprintf(bare, 2), first, second, third},
		"\nD:\n" + a + b + c:     {"line 2 D:", first, second, third},
		a + "O:BAS:AI\n" + b + c: {first, "line 3 O:BAS:AI", second, third},
		"D:\\x\nD:\nG:/y\nS:P\n": {"D:\\x D:", "G:/y S:P"},
		long + "\nD:P\n":         {long + " D:P"},
	} {
		var batch objects.Batch
		check.NoError(t, New(strings.NewReader(text)).Next(&batch))
		var got []string
		batch.Each(func(o *objects.Object) {
			if o.Err != nil {
				o.SD = []byte(o.Err.Error())
			} else if noOwner := o.Note == objects.NoteNoOwner; noOwner != (o.SD[0] == 'D') {
				t.Errorf("B-60: %q: note of a missing owner: %v", o.SD, noOwner)
			}
			got = append(got, fmt.Sprintf("%s %s", o.Path, o.SD))
		})
		check.That(t, slices.Equal(got, want), "%q: %q, want %q", text, got, want)
	}
}
