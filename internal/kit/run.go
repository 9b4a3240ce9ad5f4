package kit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Patience has the time limits of [Run].
type Patience struct {
	Silence time.Duration // between two answers
	Exit    time.Duration // between the last answer and the adapter's exit
}

// DefaultPatience are the limits of docs/kit.md.
var DefaultPatience = Patience{30 * time.Second, 5 * time.Second}

// Run starts the adapter, writes it the questions of j, and judges its answers. It feeds and reads at the same time, so
// neither side waits for the other. Standard error of the adapter goes to errs. At the end it kills an adapter that has
// not exited, on Unix with the processes that it started. Questions without an answer are wrong.
//
// An error means that there is no score: the adapter could not be started, broke the protocol, was silent for too long,
// or ctx was cancelled (B-38).
func Run(ctx context.Context, j *Judge, errs io.Writer, patience Patience, name string, args ...string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr, cmd.WaitDelay = errs, time.Second
	killWithChildren(cmd)
	toAdapter, in, err := pipes()
	if err != nil {
		return err
	}
	defer shut(in)
	out, fromAdapter, err := pipes()
	if err != nil {
		shut(toAdapter)
		return err
	}
	defer shut(out)
	cmd.Stdin, cmd.Stdout = toAdapter, fromAdapter
	err = cmd.Start()
	shut(toAdapter, fromAdapter)
	if err != nil {
		return fmt.Errorf("starting the adapter: %w", err)
	}
	// A blocked read ends when the run is cancelled, even if a child of the adapter keeps its output open.
	stop := context.AfterFunc(ctx, func() { shut(out, in) })
	defer stop()
	go feed(in, j.order)
	finish := sync.OnceFunc(func() {
		shut(in)
		time.AfterFunc(patience.Exit, func() { cancel(errLate) })
	})
	err = listen(ctx, cancel, j, out, patience.Silence, finish)
	if err != nil {
		cancel(err)
		_ = cmd.Wait() // it was killed
		return err
	}
	finish()
	_ = cmd.Wait() // the adapter's exit code says nothing about its answers
	if missing := j.Missing(); len(missing) > 0 {
		fmt.Fprintf(errs, "refmon-kit: the adapter ended without answers to %d questions, the first %s (%s)\n",
			len(missing), missing[0].ID, cmd.ProcessState)
	}
	j.Finish()
	return nil
}

// shut closes ends of pipes and ignores errors, on which nothing of the run depends.
func shut(ends ...io.Closer) {
	for _, e := range ends {
		_ = e.Close()
	}
}

// pipes returns a pipe whose ends have deadlines, unlike those of exec.Cmd.
func pipes() (r, w *os.File, err error) { return os.Pipe() }

// feed writes the questions and closes w. It stops if the adapter reads no more.
func feed(w io.WriteCloser, questions []*Question) {
	defer shut(w)
	b := bufio.NewWriterSize(w, 1<<16)
	for _, q := range questions {
		if _, err := b.WriteString(q.Line() + "\n"); err != nil {
			return
		}
	}
	_ = b.Flush() // fails if the adapter has closed its input; the missing answers then show it
}

// errSilent means that no answer came in time.
var errSilent = fmt.Errorf("%w: it was silent for too long", ErrProtocol)

// errLate means that the adapter did not exit in time after its last answer. The run has a score.
var errLate = errors.New("the adapter did not exit")

// listen passes the adapter's lines to the judge until out ends, and then returns nil. It calls finish when all answers
// are there, and refuses lines after that. If no answer comes within silence, it cancels ctx. If ctx has ended, the
// error is the cause of ctx, or nil for errLate. Errors of the judge and of out are returned.
func listen(ctx context.Context, cancel context.CancelCauseFunc, j *Judge, out io.Reader, silence time.Duration,
	finish func(),
) error {
	var done atomic.Bool
	watch := time.AfterFunc(silence, func() {
		if !done.Load() {
			cancel(errSilent)
		}
	})
	defer watch.Stop()
	err := eachLine(out, func(line []byte) error {
		watch.Reset(silence)
		if err := j.Take(line); err != nil {
			return err
		}
		if j.Done() {
			done.Store(true)
			finish()
		}
		return nil
	})
	done.Store(true)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errLate):
		return nil
	case cause != nil:
		return cause
	}
	return err
}

// Score judges the answers of r, one a line. Questions without an answer are wrong. An error means that there is no
// score (B-38).
func Score(j *Judge, r io.Reader) error {
	if err := eachLine(r, j.Take); err != nil {
		return err
	}
	j.Finish()
	return nil
}
