package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/test/check"
)

// steps returns its pieces, one for each Read, an empty piece as an empty read, and then an error.
type steps struct {
	pieces []string
	err    error
}

func (s *steps) Read(b []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, s.err
	}
	n := copy(b, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; s.pieces[0] == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

// TestEmptyReadsAreIgnored checks that Run ignores up to 100 successive empty reads, also within a line that is too
// long. More of them end it with io.ErrNoProgress.
func TestEmptyReadsAreIgnored(t *testing.T) {
	nothing := func(n int) []string { return make([]string, n) }
	long := strings.Repeat("x", MaxLine+chunkSize)
	for _, c := range []struct {
		name   string
		pieces [][]string
		err    error
		want   string
	}{
		{"a while", [][]string{nothing(100), {"a\nb"}, nothing(100), {"c\n"}, nothing(100)}, nil, "1:a\n2:bc\n"},
		{"too long before anything", [][]string{nothing(101), {"a\n"}}, io.ErrNoProgress, ""},
		{"too long after a line", [][]string{{"a\n"}, nothing(101), {"b\n"}}, io.ErrNoProgress, "1:a\n"},
		{"too long within a line", [][]string{{"a\nb"}, nothing(101), {"c\n"}}, io.ErrNoProgress, "1:a\n2:b\n"},
		{"a while in a long line", [][]string{{long}, nothing(99), {"y"}, nothing(99), {"\nb\n"}}, nil, "1:long\n2:b\n"},
		{"too long in a long line", [][]string{{long}, nothing(101), {"\nb\n"}}, io.ErrNoProgress, "1:long\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &steps{err: io.EOF}
			for _, p := range c.pieces {
				in.pieces = append(in.pieces, p...)
			}
			var out bytes.Buffer
			sum, err := (&Job{Worker: echo, Workers: 2}).Run(in, &out)
			check.That(t, errors.Is(err, c.err) && out.String() == c.want && sum.Lines == strings.Count(c.want, "\n"),
				"%s: got %.60q, %+v, %v; want %.60q, %v", c.name, out.String(), sum, err, c.want, c.err)
		})
	}
}

// TestRestOfLongLineIsSkipped checks that Run skips exactly the rest of a line that is too long, however reads are
// split, and answers the lines before a read error.
func TestRestOfLongLineIsSkipped(t *testing.T) {
	broken := fmt.Errorf("cut off: %w", io.ErrUnexpectedEOF)
	long := strings.Repeat("x", MaxLine+1)
	for _, c := range []struct {
		name   string
		pieces []string
		end    error
		want   string
	}{
		{"its newline alone", []string{long, "xx", "\n", "b\n"}, io.EOF, "1:long\n2:b\n"},
		{"its newline and a line", []string{long, "xx\nb\n"}, io.EOF, "1:long\n2:b\n"},
		{"its newline and the begin of a line", []string{long, "xx\nb", "c\n"}, io.EOF, "1:long\n2:bc\n"},
		{"its newline and a line without an end", []string{long, "xx\nb"}, io.EOF, "1:long\n2:b\n"},
		{"several lines after it", []string{long, "\n\nb\n\nc"}, io.EOF, "1:long\n2:\n3:b\n4:\n5:c\n"},
		{"a line before it", []string{"a\n" + long, "x\nb\n"}, io.EOF, "1:a\n2:long\n3:b\n"},
		{"two of them", []string{long, "\n" + long, "x\nb\n"}, io.EOF, "1:long\n2:long\n3:b\n"},
		{"no newline", []string{long, "xx"}, io.EOF, "1:long\n"},
		{"an error", []string{long, "xx"}, broken, "1:long\n"},
		{"an error after it", []string{long, "xx\nb"}, broken, "1:long\n2:b\n"},
		{"an error in a line", []string{"a\nb"}, broken, "1:a\n2:b\n"},
	} {
		for i, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.DataErrReader} {
			if i == 1 && strings.HasSuffix(c.pieces[len(c.pieces)-1], "\n") {
				continue // the reader returns the end alone in any case
			}
			t.Run(c.name, func(t *testing.T) {
				in := wrap(&steps{pieces: append([]string(nil), c.pieces...), err: c.end})
				want := c.end
				if want == io.EOF {
					want = nil
				}
				var out bytes.Buffer
				sum, err := (&Job{Worker: echo, Workers: 1}).Run(in, &out)
				malformed := strings.Count(c.want, ":long")
				check.That(t, errors.Is(err, want) && out.String() == c.want &&
					sum == Summary{Lines: strings.Count(c.want, "\n"), Malformed: malformed},
					"%s: got %.60q, %+v, %v; want %.60q, %v", c.name, out.String(), sum, err, c.want, want)
			})
		}
	}
}

// TestSerialLinesAreNumbered checks that lines keep their numbers and order if some are serial. A line that contains
// SerialWord is serial only if Serial returns true.
func TestSerialLinesAreNumbered(t *testing.T) {
	lines := []string{"set 1", "get", "no set", "", "set 2", "set 3", "", "", "get", "no set", "get", "set 4"}
	var in, want strings.Builder
	for i := range 40 * len(lines) {
		fmt.Fprintf(&in, "%s\n", lines[i%len(lines)])
		fmt.Fprintf(&want, "%d:%s\n", i+1, lines[i%len(lines)])
	}
	made := make(chan bool, 100)
	for name, wrap := range readers {
		for _, end := range []string{"", "set 5", "no set"} {
			var alone []string // by the goroutine that reads
			job := &Job{Workers: 2, SerialWord: "set", Worker: func() Answer { made <- true; return echo() },
				Serial: func(line []byte) bool {
					check.That(t, bytes.Contains(line, []byte("set")),
						"%s: Serial was called for %q, want only lines with SerialWord", name, line)
					serial := bytes.HasPrefix(line, []byte("set"))
					if serial {
						alone = append(alone, string(line))
					}
					return serial
				}}
			answers := want.String()
			if end != "" {
				answers += fmt.Sprintf("%d:%s\n", 40*len(lines)+1, end)
			}
			got, sum := runText(t, job, wrap(strings.NewReader(in.String()+end)))
			check.That(t, got == answers && sum == Summary{Lines: strings.Count(answers, "\n")} && len(alone) >= 160,
				"%s, end %q: other answers, counts %+v or %d serial lines, want at least 160", name, end, sum, len(alone))
			check.Equal(t, len(made), 3, "%s: workers, and one for the serial lines", name)
			for len(made) > 0 {
				<-made
			}
		}
	}
}
