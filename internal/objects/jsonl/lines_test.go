package jsonl

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// scattered gives its text in pieces of so many bytes.
type scattered struct {
	text string
	n    int
}

func (s *scattered) Read(b []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(s.n, len(b))], s.text)
	s.text = s.text[n:]
	return n, nil
}

// TestEachLineIsInOneBatch: however the input comes, each line is in one batch, which knows where it ends and which
// lines it has; a line of a limit is read, and a longer one is not.
func TestEachLineIsInOneBatch(t *testing.T) {
	line := func(i, n int) string {
		return fmt.Sprintf(`{"path":"%d","sd":"O:SYG:SYD:%s"}`, i, strings.Repeat(" ", n)) + "\n"
	}
	var all strings.Builder
	for i := range 3000 {
		all.WriteString(line(i, i%900))
		if i%50 == 0 {
			all.WriteString("\r\n")
		}
	}
	whole := all.String() + strings.TrimSuffix(line(3000, 5), "\n")
	for _, piece := range []int{1 << 10, 1<<19 - 1, 1 << 19, 1 << 22} {
		s := Lines(&scattered{whole, piece}, 100, 7)
		end, first, next := int64(100), 7, 0
		for {
			var b objects.Batch
			err := s.Next(&b)
			if errors.Is(err, io.EOF) {
				break
			}
			check.NoError(t, err)
			if b.First != first || b.End-end != int64(len(b.Content.(*content).data)) || b.Lines < 1 {
				t.Fatalf("pieces of %d: a batch from line %d of %d lines to byte %d, want line %d", piece, b.First, b.Lines, b.End,
					first)
			}
			end, first = b.End, b.First+b.Lines
			b.Each(func(o *objects.Object) {
				check.RequireThat(t, string(o.Path) == fmt.Sprint(next) && o.Err == nil,
					"pieces of %d: %s, want %d (%v)", piece, o.Path, next, o.Err)
				next++
			})
		}
		check.That(t, next == 3001 && end == 100+int64(len(whole)) && first == 7+strings.Count(whole, "\n")+1,
			"pieces of %d: %d objects to byte %d, line %d", piece, next, end, first)
	}
	for text, want := range map[string]string{
		strings.Repeat("x", objects.MaxLine+1<<20):              "the line after byte 0 is longer than 4194304 bytes",
		line(0, 0) + strings.Repeat("x", objects.MaxLine+1<<20): "the line after byte 39 is longer",
		"\xff\xfe{": "the file is UTF-16: save it as UTF-8",
	} {
		s := Lines(strings.NewReader(text+"\n"), 0, 0)
		var err error
		for err == nil {
			var b objects.Batch
			err = s.Next(&b)
		}
		check.That(t, strings.Contains(err.Error(), want) || errors.Is(err, io.EOF) && strings.Contains(want, "longer"),
			"%.20q…: %v, want %s", text, err, want)
	}
}
