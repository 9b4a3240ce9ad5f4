package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/answer"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/internal/strict"
)

// choiceFlags select the questions of a run by suite and by evidence; without flags all are selected.
type choiceFlags struct {
	Suite []string `help:"Ask only these suites (see questions --help); may be repeated." placeholder:"SUITE"`
	Known []string `help:"Ask only what is recorded, documented, agree or decided; as --suite." placeholder:"WAY"`
}

// errNoQuestion is the error of a score of nothing, which would look like a success.
var errNoQuestion = errors.New("no question: docs/kit.md says how many each suite has of each kind")

// questions returns the selected questions, perhaps none. An unknown suite or kind of evidence is an error.
func (c *choiceFlags) questions() ([]*kit.Question, error) {
	all, err := kit.Questions(c.Suite...)
	if err != nil {
		return nil, err
	}
	return kit.OfKnown(all, c.Known...)
}

type questionsCmd struct {
	choiceFlags
}

// Help names the suites.
func (*questionsCmd) Help() string {
	return "The suites are " + strings.Join(kit.Suites(), ", ") + "."
}

// Run prints the questions, one in each line. The first failed write ends it.
func (c *questionsCmd) Run(std *streams) error {
	questions, err := c.questions()
	if err != nil {
		return err
	}
	w := bufio.NewWriter(std.out)
	for _, q := range questions {
		if _, err := fmt.Fprintln(w, q.Line()); err != nil {
			return err
		}
	}
	return w.Flush()
}

// outputFlags selects which parts of a score are printed, and in which form.
type outputFlags struct {
	Show int    `help:"Print at most this many failing questions with their rules." default:"5" placeholder:"N"`
	JSON string `name:"json" placeholder:"FILE" help:"Write counts and all wrong answers to FILE, - for standard output."`
}

// keep returns how many failures the judge must keep for the output: with --json all, otherwise those to be printed.
func (c *outputFlags) keep(questions []*kit.Question) int {
	if c.JSON != "" {
		return len(questions)
	}
	return max(0, c.Show)
}

// finish writes the report and, with --json, a JSON file of all counts and wrong answers. --json - writes the JSON to
// standard output and no report. A failed write is an error; after a failed JSON write there is no report. Any wrong
// answer gives errWrong.
func (c *outputFlags) finish(std *streams, j *kit.Judge) error {
	if c.JSON != "" {
		b, err := j.JSON()
		switch {
		case err != nil:
		case c.JSON == "-":
			_, err = std.out.Write(b)
		default:
			err = outfile.WriteFile(c.JSON, b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if c.JSON != "-" {
		if err := j.Report(std.out, c.Show); err != nil {
			return err
		}
	}
	if j.Total().Wrong > 0 {
		return errWrong
	}
	return nil
}

type runCmd struct {
	choiceFlags
	outputFlags
	Adapter []string `arg:"" passthrough:"" help:"The adapter and its arguments, after --."`
}

// Run runs the adapter on the questions. A leading "--" is dropped. No adapter and no question are errors. It prints
// the scores, and its error is that of the adapter's run or of finish. A signal that would end the program ends the
// adapter first; a second signal does not wait for that.
func (c *runCmd) Run(ctx context.Context, std *streams) error {
	if len(c.Adapter) > 0 && c.Adapter[0] == "--" {
		c.Adapter = c.Adapter[1:]
	}
	if len(c.Adapter) == 0 {
		return errors.New("no adapter: write refmon-kit run -- ADAPTER ARGUMENTS")
	}
	questions, err := c.questions()
	if err != nil {
		return err
	}
	if len(questions) == 0 {
		return errNoQuestion
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup(1) ignores SIGHUP
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	context.AfterFunc(ctx, stop)
	j := kit.NewJudge(questions, c.keep(questions))
	if err := kit.Run(ctx, j, std.err, kit.DefaultPatience, c.Adapter[0], c.Adapter[1:]...); err != nil {
		return err
	}
	return c.finish(std, j)
}

// maxQuestion is the size limit of a line of a file of questions, in bytes.
const maxQuestion = 1 << 20

type scoreCmd struct {
	outputFlags
	Questions []string `arg:"" help:"Files that refmon-kit questions wrote."`
}

// Run scores the answers on standard input to the questions in the named files. A line that is not exactly a question
// of this version is an error, and so are files without questions. Questions given twice count once.
func (c *scoreCmd) Run(std *streams) error {
	all, err := kit.Questions()
	if err != nil {
		return err
	}
	known := map[string]*kit.Question{}
	for _, q := range all {
		known[q.ID] = q
	}
	var questions []*kit.Question
	seen := map[string]bool{}
	for _, name := range c.Questions {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, maxQuestion)
		n := 1
		for ; lines.Scan(); n++ {
			line := lines.Bytes()
			var q struct{ ID string }
			if err := json.Unmarshal(line, &q); err != nil {
				return fmt.Errorf("%s: a line that is not a question: %w", name, err)
			}
			one := known[q.ID]
			// A file of another version of the kit has other questions under the same ids.
			if one == nil || one.Line() != string(bytes.TrimSpace(line)) {
				return fmt.Errorf("%s: %.40q is not a question of this version: print the questions again", name, q.ID)
			}
			if !seen[q.ID] {
				seen[q.ID] = true
				questions = append(questions, one)
			}
		}
		if err := strict.LineError(lines.Err(), n, maxQuestion); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(questions) == 0 {
		return errNoQuestion
	}
	j := kit.NewJudge(questions, c.keep(questions))
	if err := kit.Score(j, std.in); err != nil {
		return err
	}
	return c.finish(std, j)
}

type adapterCmd struct{}

// Run answers questions as an adapter of the kit for refmon itself, until standard input ends.
func (*adapterCmd) Run(std *streams) error {
	return answer.Serve(std.in, std.out)
}
