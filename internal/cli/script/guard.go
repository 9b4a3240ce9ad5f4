package script

import (
	"errors"
	"fmt"
	"runtime/metrics"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Limits of one program, and of one statement of a session. The interpreter counts steps but not bytes, so the heap is
// measured between steps, often enough that s = s + s cannot double more than twice unnoticed. A second goroutine
// measures it too, for steps that run long.
const (
	maxSteps  = 20_000_000
	maxHeap   = 512 << 20              // bytes more than when the program began, garbage included
	maxRange  = 1 << 24                // elements of a range: list(range(n)) is one step
	maxBits   = 1 << 20                // of a product of numbers: longer ones are one step of minutes
	heapSteps = 4                      // between two looks
	heapEvery = 10 * time.Millisecond  // between two looks during one step
	heapGrace = 200 * time.Millisecond // for the step that is under way to end
	stepTicks = 3000                   // of heapEvery for one step: to hash x = (x, x), 40 times, would take days
)

// errBits refuses a number that is too long for one step.
var errBits = fmt.Errorf("a number of more than %d bits", maxBits)

// errStep ends a program whose step exceeds stepTicks.
var errStep = errors.New("the program takes more than 30 seconds")

// errHeap ends a program whose heap exceeds maxHeap.
var errHeap = fmt.Errorf("the program takes more than %d MiB of memory", maxHeap>>20)

// ErrStopped means that the Runner is unusable: a single step, which cannot be interrupted, took too long or too much
// memory, or the program broke an invariant of the kernel, for example with a double dereference. Close does nothing
// then. A host that runs other people's programs should exit, because the step may still be running.
var ErrStopped = errors.New("the kernel has stopped")

// bound applies the limits of steps and memory to a thread of the interpreter.
func (r *Runner) bound(th *starlark.Thread) {
	th.OnMaxSteps = r.stepped
	th.SetMaxExecutionSteps(1) // so that the interpreter calls stepped before every step
}

// stepped runs before each step of the program. It cancels the thread if the program exceeds a limit. The heap is
// measured only every heapSteps.
func (r *Runner) stepped(th *starlark.Thread) {
	r.steps.Add(1)
	n := th.ExecutionSteps()
	if th == r.thread {
		n -= r.before
	}
	switch {
	case n > maxSteps:
		th.Cancel("too many steps")
	case n%heapSteps == 0 && heap() > r.limit:
		th.Cancel(errHeap.Error())
	}
}

// guarded runs code of the program within the limits of steps and memory. The code runs in a goroutine, and guarded
// waits. A panic of the interpreter or the kernel becomes an error that wraps [ErrStopped]. If the Runner is already
// stopped, it returns that error and runs nothing.
func (r *Runner) guarded(run func() error) error {
	if r.stopped != nil {
		return r.stopped
	}
	r.limit, r.before = heap()+maxHeap, r.thread.ExecutionSteps()
	r.thread.Uncancel() // an interrupt that came too late for the last statement
	defer r.thread.Uncancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if x := recover(); x != nil {
				done <- recovered(x)
			}
		}()
		done <- run()
	}()
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	steps, ticks := r.steps.Load(), 0 // ticks since the last step
	for {
		select {
		case err := <-done:
			return r.ended(err)
		case <-tick.C:
			if now := r.steps.Load(); now != steps || r.writing.Load() || r.cfg.Connect != nil {
				steps, ticks = now, 0 // calls to the kernel of another program may wait, and so may the reader of the output
			}
			ticks++
			switch {
			case heap() > r.limit:
				return r.stop(done, errHeap)
			case ticks > stepTicks:
				return r.stop(done, errStep)
			}
		}
	}
}

// patientWriter is the output of a program, whose reader may take its time: [Runner.guarded] does not count that as a
// step.
type patientWriter struct{ r *Runner }

// Write writes to the output of the Config.
func (w patientWriter) Write(b []byte) (int, error) {
	w.r.writing.Store(true)
	defer w.r.writing.Store(false)
	return w.r.cfg.Output.Write(b)
}

// stop cancels the program because of why, and waits up to heapGrace for the current step. If the step does not end, it
// stops the Runner with [ErrStopped], and the goroutine goes on.
func (r *Runner) stop(done <-chan error, why error) error {
	r.thread.Cancel(why.Error())
	select {
	case err := <-done:
		return r.ended(err)
	case <-time.After(heapGrace):
		r.stopped = fmt.Errorf("%w, within one step: %w", why, ErrStopped)
		return r.stopped
	}
}

// ended adds the position to the error of a part of the program. After [ErrStopped] it also flushes the output and
// stops the Runner.
func (r *Runner) ended(err error) error {
	err = locate(err)
	if errors.Is(err, ErrStopped) {
		r.stopped = errors.Join(err, r.out.flush())
	}
	return err
}

// recovered converts a panic of the interpreter or the kernel to an error: an impossible allocation, a double
// dereference.
func recovered(x any) error { return fmt.Errorf("%v: %w", x, ErrStopped) }

// heap returns the size of the heap in use, including garbage.
func heap() uint64 {
	s := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s[:])
	return s[0].Value.Uint64()
}

// boundedRange implements range() with at most maxRange elements, because one step could fill the memory. More are an
// error. A wrong argument is an error of the program.
func boundedRange(
	th *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	v, err := starlark.Call(th, starlark.Universe["range"], args, kwargs)
	if err != nil {
		return nil, err
	}
	if n := starlark.Len(v); n < 0 || n > maxRange {
		return nil, fmt.Errorf("range: more than %d elements", maxRange)
	}
	return v, nil
}

// boundedInt implements int() for texts of at most maxBits/4 bytes, because reading a long number is one step. A longer
// one is an error.
func boundedInt(
	th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	for _, kw := range append([]starlark.Tuple{args}, kwargs...) {
		for _, v := range kw {
			if text, ok := starlark.AsString(v); ok && len(text) > maxBits/4 {
				return nil, errBits
			}
		}
	}
	return starlark.Call(th, starlark.Universe["int"], args, kwargs)
}

// times is the name of the builtin around each right operand of a product and around each text whose replace method is
// used. A program cannot write this name.
const times = "*"

// boundProducts changes a parsed program, so that a product and the replace method of a text check the size first. One
// step could otherwise copy gigabytes, and the collector would stop all other goroutines until it ends. Or it could
// multiply numbers for hours.
func boundProducts(f *syntax.File) {
	operand := func(pos syntax.Position, e syntax.Expr) syntax.Expr {
		bound := &syntax.Ident{NamePos: pos, Name: times}
		return &syntax.CallExpr{Fn: bound, Lparen: pos, Args: []syntax.Expr{e}, Rparen: pos}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryExpr:
			if n.Op == syntax.STAR {
				n.Y = operand(n.OpPos, n.Y)
			}
		case *syntax.AssignStmt:
			if n.Op == syntax.STAR_EQ {
				n.RHS = operand(n.OpPos, n.RHS)
			}
		case *syntax.DotExpr:
			if n.Name.Name == "replace" {
				n.X = operand(n.Dot, n.X)
			}
		}
		return true
	})
}

// boundedOperand implements times: it returns its argument as a factor.
func boundedOperand(
	_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
) (starlark.Value, error) {
	return factor{args[0]}, nil
}

// boundedGetattr implements getattr() with the replace method of [factor].
func boundedGetattr(
	th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if len(args) > 1 && args[1] == starlark.String("replace") {
		args = append(starlark.Tuple{factor{args[0]}}, args[1:]...)
	}
	return starlark.Call(th, starlark.Universe["getattr"], args, kwargs)
}

// factor is the right operand of a product, or a value whose replace method is used. A program never sees it.
type factor struct{ starlark.Value }

// Attr returns an attribute of the value. The replace method of a text fails with errHeap if the result would exceed
// maxHeap.
func (f factor) Attr(name string) (starlark.Value, error) {
	v, ok := f.Value.(starlark.HasAttrs)
	if !ok {
		return nil, nil //nolint:nilnil // there is no such attribute
	}
	method, err := v.Attr(name)
	text, ok := f.Value.(starlark.String)
	if !ok || err != nil || name != "replace" {
		return method, err
	}
	return starlark.NewBuiltin(name, func(
		th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		if len(args) > 1 && replacesTooLong(string(text), args) {
			return nil, errHeap
		}
		return starlark.Call(th, method, args, kwargs)
	}), nil
}

// AttrNames returns the names of the value's attributes.
func (f factor) AttrNames() []string {
	if v, ok := f.Value.(starlark.HasAttrs); ok {
		return v.AttrNames()
	}
	return nil
}

// replacesTooLong reports whether text exceeds maxHeap after its replace method with two or more arguments. It is false
// for arguments that are no texts.
func replacesTooLong(text string, args starlark.Tuple) bool {
	before, ok := starlark.AsString(args[0])
	after, isText := starlark.AsString(args[1])
	if !ok || !isText {
		return false
	}
	n := strings.Count(text, before)
	if len(args) > 2 {
		if most, err := starlark.AsInt32(args[2]); err == nil && most >= 0 {
			n = min(n, most)
		}
	}
	return len(text)+n*(len(after)-len(before)) > maxHeap
}

// Binary returns the product of x and the factor. A sequence that would exceed maxHeap is an error, and so are numbers
// that have more than maxBits together.
func (f factor) Binary(op syntax.Token, x starlark.Value, _ starlark.Side) (starlark.Value, error) {
	if n, m := bitsOf(x), bitsOf(f.Value); n > 0 && m > 0 && n+m > maxBits {
		return nil, errBits
	}
	if repeatsTooLong(x, f.Value) || repeatsTooLong(f.Value, x) {
		return nil, errHeap
	}
	return starlark.Binary(op, x, f.Value)
}

// bitsOf returns the number of bits of a number, at least 64, and 0 for another value.
func bitsOf(v starlark.Value) int {
	n, ok := v.(starlark.Int)
	if !ok {
		return 0
	}
	if _, small := n.Int64(); small {
		return 64
	}
	return max(64, n.BigInt().BitLen())
}

// repeatsTooLong reports whether v is a sequence that exceeds maxHeap if it is repeated n times. It is false if n is
// not an int32.
func repeatsTooLong(v, n starlark.Value) bool {
	size := 0 // bytes per element
	switch v.(type) {
	case starlark.String, starlark.Bytes:
		size = 1
	case *starlark.List, starlark.Tuple:
		size = 16
	default:
		return false
	}
	count, err := starlark.AsInt32(n)
	return err == nil && count > 0 && size*starlark.Len(v) > maxHeap/count
}
