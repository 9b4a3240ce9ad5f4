package utf16text_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/utf16text"
)

// TestReaderConvertsEachForm checks both byte orders, halves of surrogate pairs, and texts that are cut off.
func TestReaderConvertsEachForm(t *testing.T) {
	cut := errors.New("cut")
	for in, want := range map[string]struct {
		text string
		err  error
	}{
		"":                             {},
		"a\x00b\x00":                   {text: "ab"},
		"\xff\xfea\x00":                {text: "\ufeffa"},
		"\x34\xd8\x1e\xdd":             {text: "𝄞"},
		"\x00\xd8\n\x00":               {text: "\ufffd\n"},
		"\x00\xd8\x00\xd8\x00\xdc":     {text: "\ufffd\U00010000"},
		"\x00\xdc\x00\xdca\x00":        {text: "\ufffd\ufffda"},
		"a\x00b":                       {text: "a", err: cut},
		"a\x00\x34\xd8":                {text: "a", err: cut},
		"a\x00\x34\xd8\x1e":            {text: "a", err: cut},
		"\x00\xd8\x00\xd8\x00\x00\x00": {text: "\ufffd\ufffd\x00", err: cut},
	} {
		for _, big := range []bool{false, true} {
			if big {
				in = swapped(in)
			}
			r := &utf16text.Reader{In: bufio.NewReader(iotest.OneByteReader(strings.NewReader(in))), Big: big, Cut: cut}
			got, err := io.ReadAll(r)
			check.That(t, string(got) == want.text && errors.Is(err, want.err),
				"%q, big %t: %q, %v; want %q, %v", in, big, got, err, want.text, want.err)
		}
	}
	broken := errors.New("broken")
	for _, in := range []string{"", "a\x00", "\x34\xd8", "\x34\xd8\x1e"} {
		r := &utf16text.Reader{In: bufio.NewReader(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)))}
		if _, err := io.ReadAll(r); !errors.Is(err, broken) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q before an error of the file: %v, want that error", in, err)
		}
	}
}

// swapped swaps the bytes of each unit. An odd byte at the end stays.
func swapped(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// FuzzReader compares the reader with the standard library's decoder of a whole text.
func FuzzReader(f *testing.F) {
	f.Add([]byte("a\x00\x34\xd8\x1e\xdd\x00\xd8"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var units []uint16
		for i := 0; i+1 < len(in); i += 2 {
			units = append(units, uint16(in[i])|uint16(in[i+1])<<8)
		}
		got, err := io.ReadAll(&utf16text.Reader{In: bufio.NewReader(strings.NewReader(string(in)))})
		want := string(utf16.Decode(units))
		check.That(t, (err != nil || string(got) == want) && (err == nil || strings.HasPrefix(want, string(got))),
			"%x: %q, %v; want %q", in, got, err, want)
	})
}
