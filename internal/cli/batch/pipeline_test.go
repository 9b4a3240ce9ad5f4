package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// echo answers each line by its number and text.
func echo() Answer {
	return func(dst, line []byte, number int) ([]byte, bool) {
		if len(line) > MaxLine {
			return fmt.Appendf(dst, "%d:long", number), false
		}
		return fmt.Appendf(dst, "%d:%s", number, line), true
	}
}

func runText(t testing.TB, j *Job, in io.Reader) (string, Summary) {
	t.Helper()
	var out bytes.Buffer
	sum := check.Must(j.Run(in, &out))
	return out.String(), sum
}

func TestAnswersKeepTheOrderOfLines(t *testing.T) {
	var in, want strings.Builder
	for i := 1; i <= 50_000; i++ {
		fmt.Fprintf(&in, "line %d\n", i*7)
		fmt.Fprintf(&want, "%d:line %d\n", i, i*7)
	}
	for _, workers := range []int{1, 2, 7} {
		got, sum := runText(t, &Job{Worker: echo, Workers: workers}, strings.NewReader(in.String()))
		check.That(t, got == want.String(),
			"%d workers: answers differ from the expected ones, want the order of the lines", workers)
		check.That(t, sum == (Summary{Lines: 50_000}), "%d workers: counts %+v, want 50000 lines", workers, sum)
	}
}

// readers split the same text into reads of different sizes.
var readers = map[string]func(io.Reader) io.Reader{
	"whole": func(r io.Reader) io.Reader { return r }, "one byte": iotest.OneByteReader, "half": iotest.HalfReader,
	"data with the end": iotest.DataErrReader,
}

func TestAnswersDoNotDependOnReadSizes(t *testing.T) {
	const in, want = "a\nbc\n\nd", "1:a\n2:bc\n3:\n4:d\n"
	for name, wrap := range readers {
		got, _ := runText(t, &Job{Worker: echo}, wrap(strings.NewReader(in)))
		check.Equal(t, got, want, "%s", name)
	}
	for _, empty := range []string{"", "\n", "\n\n"} {
		got, sum := runText(t, &Job{Worker: echo}, strings.NewReader(empty))
		check.That(t, sum.Lines == len(empty) && strings.Count(got, "\n") == len(empty),
			"input %q: answers %q, counts %+v, want one answer for each line", empty, got, sum)
	}
}

func TestTooLongLineIsAnErrorOfThatLine(t *testing.T) {
	for _, size := range []int{chunkSize - 1, chunkSize, MaxLine - 1, MaxLine, MaxLine + 1, MaxLine + 2, 3 * MaxLine} {
		in := "a\n" + strings.Repeat("x", size) + "\nb\n"
		got, sum := runText(t, &Job{Worker: echo}, strings.NewReader(in))
		want := "1:a\n2:" + strings.Repeat("x", size) + "\n3:b\n"
		if size > MaxLine {
			want = "1:a\n2:long\n3:b\n"
		}
		check.That(t, got == want && sum.Lines == 3,
			"size %d: %d bytes of answers, want %d; %+v", size, len(got), len(want), sum)
	}
	// A long line without an end.
	got, _ := runText(t, &Job{Worker: echo}, strings.NewReader(strings.Repeat("x", 2*MaxLine)))
	check.That(t, got == "1:long\n", "a long line without an end: %.40q, want %q", got, "1:long\n")
}

func TestMemoryDoesNotGrowWithInput(t *testing.T) {
	line := []byte(strings.Repeat("x", 99) + "\n")
	endless := io.LimitReader(&repeat{line: line}, 64<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	same := func() Answer {
		return func(dst, line []byte, _ int) ([]byte, bool) { return append(dst, line...), true }
	}
	check.NoError(t, check.Err((&Job{Worker: same, Workers: 2}).Run(endless, io.Discard)))
	runtime.ReadMemStats(&after)
	got := after.TotalAlloc - before.TotalAlloc
	check.That(t, got <= 8<<20, "%d MiB allocated for 64 MiB of lines, want at most 8", got>>20)
}

// repeat reads the same line again and again.
type repeat struct {
	line []byte
	at   int
}

func (r *repeat) Read(b []byte) (n int, err error) {
	for n < len(b) {
		m := copy(b[n:], r.line[r.at:])
		n += m
		r.at = (r.at + m) % len(r.line)
	}
	return n, nil
}

func TestSerialLinesRunAlone(t *testing.T) {
	var in, want strings.Builder
	value := 0
	for i := range 5000 {
		if i%7 == 0 || i%11 == 0 {
			value = i
			fmt.Fprintf(&in, "set %d\n", i)
		} else {
			fmt.Fprintf(&in, "get\n")
		}
		fmt.Fprintf(&want, "%d\n", value)
	}
	shared := 0 // read by every worker, written by serial lines: -race checks the claim
	job := &Job{
		Worker: func() Answer {
			return func(dst, line []byte, _ int) ([]byte, bool) {
				fmt.Sscanf(string(line), "set %d", &shared)
				return fmt.Append(dst, shared), true
			}
		},
		Serial:     func(line []byte) bool { return bytes.HasPrefix(line, []byte("set")) },
		SerialWord: "set",
		Workers:    3,
	}
	got, _ := runText(t, job, strings.NewReader(in.String()))
	check.That(t, got == want.String(), "a line used a value set later, or missed one set before it")
}

// An answer is written while the input is still open.
func TestAnswersAreWrittenBeforeInputEnds(t *testing.T) {
	questions, ask := io.Pipe()
	hear, answers := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := (&Job{Worker: echo}).Run(questions, answers)
		done <- err
	}()
	buf := make([]byte, 64)
	for i := 1; i <= 3; i++ {
		fmt.Fprintf(ask, "q\n")
		n := check.Must(hear.Read(buf))
		check.Require(t, string(buf[:n]), fmt.Sprintf("%d:q\n", i), "answer")
	}
	ask.Close()
	check.NoError(t, <-done)
}

func TestReadAndWriteErrorsEndTheRun(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	sum, err := (&Job{Worker: echo}).Run(io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken)), &out)
	check.That(t, errors.Is(err, broken) && sum.Lines == 2 && out.String() == "1:a\n2:b\n",
		"after a read error: %v, %+v, answers %q, want the error and two answers", err, sum, out.String())
	before := runtime.NumGoroutine()
	_, err = (&Job{Worker: echo}).Run(&repeat{line: []byte("x\n")}, failingWriter{broken})
	check.ErrorIs(t, err, broken, "writing")
	check.Eventually(t, func() bool { return runtime.NumGoroutine() <= before }, "goroutines are left")
}

// The input is still open and has no further line when the reader of the answers has closed.
func TestWriteErrorEndsTheRunBeforeInputEnds(t *testing.T) {
	broken := errors.New("broken")
	questions, ask := io.Pipe()
	defer ask.Close()
	done := make(chan error, 1)
	go func() {
		_, err := (&Job{Worker: echo}).Run(questions, failingWriter{broken})
		done <- err
	}()
	fmt.Fprintf(ask, "q\n")
	select {
	case err := <-done:
		check.ErrorIs(t, err, broken, "error of the run")
	case <-time.After(time.Minute):
		t.Error("a minute after its output failed, the run still waits for its input, want the error")
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
