package batch

import (
	"cmp"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/refmon/refmon/internal/cli/pipeline"
)

// Limits of every batch. The answer to a longer line is an error.
const (
	MaxLine = 4 << 20 // bytes of one line, without its newline

	chunkSize   = 128 << 10 // bytes a chunk starts with
	keepCap     = 1 << 20   // a buffer that grew beyond this is not reused
	emptyReads  = 100       // reads in a row that give neither bytes nor an error
	outPerInput = 2         // first guess of output bytes for each input byte
)

// Answer appends the answer to one line, without a newline, to dst. number
// counts from 1. ok is false if the line was malformed. An Answer is used by
// one goroutine at a time.
type Answer func(dst, line []byte, number int) (out []byte, ok bool)

// Job is one kind of batch. The zero value cannot run because Worker is missing. Do not change the fields while it
// runs.
type Job struct {
	// Worker makes the state of one worker and returns its Answer.
	Worker func() Answer
	// Serial reports whether a line changes what later lines mean. Such a line
	// is answered when all lines before it are, and before any after it. Nil
	// means none does. SerialWord is a word every such line contains.
	Serial     func(line []byte) bool
	SerialWord string
	// Workers is the number of goroutines that answer; 0 or less means runtime.GOMAXPROCS.
	Workers int

	noDACL *atomic.Int64 // answers about a descriptor without DACL; nil: not counted
}

// Summary counts the lines of a finished run.
type Summary struct {
	Lines     int // lines answered
	Malformed int // of these, lines answered by an error
	NoDACL    int // lines answered with the note accessquery.NoDACL
}

// chunk is a part of the input that consists of whole lines, and later its answers.
type chunk struct {
	data  []byte
	first int // number of the first line
	out   []byte
	lines int
	bad   int
}

// piece is a chunk on its way through the pipeline of workers.
type piece = pipeline.Piece[chunk]

// Run answers every line of in on out until in ends. It writes each answer as soon as all answers before it are
// written, so a program may wait for an answer before it writes the next line. A malformed line is answered with an
// error and counted; Run continues. Run returns the error of writing, or else that of reading, and answers the lines
// before a read error. If out fails while in blocks, Run returns at once; the goroutine that reads in ends after its
// next read. Run closes neither in nor out.
func (j *Job) Run(in io.Reader, out io.Writer) (sum Summary, err error) {
	workers := j.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	p := pipeline.Pipeline[chunk]{
		Pieces: 2*workers + 2, Workers: workers, Leave: true,
		Read: func(h *pipeline.Hand[chunk]) error {
			r := &reader{job: j, in: in, hand: h, line: 1}
			return r.read()
		},
		Worker: func() (func(*chunk), error) {
			answer := j.Worker()
			return func(c *chunk) { c.answer(answer) }, nil
		},
		Write: func(c *chunk) error {
			if _, err := out.Write(c.out); err != nil {
				return err
			}
			sum.Lines += c.lines
			sum.Malformed += c.bad
			return nil
		},
	}
	read, write := p.Run()
	if j.noDACL != nil {
		sum.NoDACL = int(j.noDACL.Swap(0))
	}
	return sum, cmp.Or(write, read)
}

// answer writes the answers to the lines of c.data to c.out, each with a newline. It sets c.lines and adds malformed
// lines to c.bad.
func (c *chunk) answer(answer Answer) {
	out := c.out[:0]
	if cap(out) == 0 {
		out = make([]byte, 0, outPerInput*len(c.data))
	}
	number, ok := c.first, false
	for rest := c.data; len(rest) > 0; number++ {
		var line []byte
		line, rest = cutLine(rest)
		if out, ok = answer(out, line, number); !ok {
			c.bad++
		}
		out = append(out, '\n')
	}
	c.out, c.lines = out, number-c.first
}
