package jsonl

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

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

// read calls f with each object of a source, and returns the error that ends it. It reuses one batch.
func read(s objects.Source, f func(o *objects.Object)) error {
	var b objects.Batch
	for {
		if err := s.Next(&b); err != nil {
			return err
		}
		b.Each(f)
	}
}

// TestEachLineIsInOneBatch checks that each line is in one batch, however the input is split. A batch has its end and
// the lines it has.
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
			check.RequireThat(t, b.First == first && b.End-end == int64(len(b.Content.(*content).data)) && b.Lines >= 1,
				"pieces of %d: a batch from line %d of %d lines to byte %d, want line %d", piece, b.First, b.Lines,
				b.End, first)
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
}

// TestReadErrorEndsRun checks that a line over the limit, UTF-16 and an error of the input end a run after the lines
// before, and the end of the input repeats.
func TestReadErrorEndsRun(t *testing.T) {
	const row = `{"path":"a","sd":"D:"}` + "\n"
	long := strings.Repeat("x", objects.MaxLine)
	tooLong := func(after int) string {
		return fmt.Sprintf("read objects: the line after byte %d is longer than 4194304 bytes: is this a file of JSON "+
			"lines?", after)
	}
	for _, c := range []struct {
		in      io.Reader
		offset  int64
		want    string
		objects int
	}{
		{strings.NewReader(row + row), 0, "EOF", 2},
		{&scattered{long + "\n", 1 << 18}, 0, "EOF", 1},
		{&scattered{long + long + "\n", 1 << 18}, 0, tooLong(0), 0},
		{&scattered{row + long + long + "\n", 1 << 18}, 0, tooLong(len(row)), 1},
		{strings.NewReader("\xff\xfe{\n"), 0, "read objects: the file is UTF-16: save it as UTF-8", 0},
		{strings.NewReader("{\x00}\x00"), 0, "read objects: the file is UTF-16: save it as UTF-8", 0},
		{strings.NewReader("\xff\xfe{\n"), 9, "EOF", 1},
		{io.MultiReader(strings.NewReader(row), iotest.ErrReader(errors.New("broken"))), 0, "read objects: broken", 1},
	} {
		s, n := Lines(c.in, c.offset, 1), 0
		err := read(s, func(*objects.Object) { n++ })
		check.Equal(t, fmt.Sprint(n, " ", err), fmt.Sprint(c.objects, " ", c.want), "objects and error")
		if c.want == "EOF" {
			check.Equal(t, s.Next(&objects.Batch{}), io.EOF, "error after the end")
		}
	}
}
