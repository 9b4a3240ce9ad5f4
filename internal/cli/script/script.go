package script

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Config configures a Runner. The zero value prints nothing.
type Config struct {
	Output  io.Writer  // receives the transcript; may be nil
	JSON    bool       // one JSON object a call instead of text
	Quiet   bool       // print only expectations that failed
	Colour  bool       // mark statuses with terminal colours
	Width   int        // columns of the terminal, for help; 0: no limit
	Profile nt.Profile // of the kernel the program runs on

	Record  func(Recorded) // receives each call of user mode, instead of the transcript; may be nil
	Backend Backend        // answers the calls of threads instead of the kernel; nil: the kernel
	Token   *token.Token   // token of every process, whatever the program says; nil: as the program says

	// Connect returns a new connection to a kernel in another program, for each process of this program. That kernel
	// determines the token. If it is nil, the program has its own kernel.
	Connect func() (Connection, error)

	// Attach returns the thread that makes the calls of a new thread in its place, such as a thread of a connection to
	// the kernel. If it is nil, the thread makes its own calls.
	Attach func(*kernel.Process, *nt.Thread) (*nt.Thread, error)

	Audit  audit.Sink    // receives the audit records too; nil: they stay in memory only
	Policy *audit.Policy // initial policy; nil is the default
	Clock  func() int64  // time of the records as a FILETIME; nil: 0
}

// Runner runs programs on one kernel.
type Runner struct {
	cfg     Config
	sys     *kernel.System
	globals starlark.StringDict
	env     starlark.StringDict // of a session, nil outside one
	thread  *starlark.Thread
	out     *transcript
	threads map[*nt.Thread]*threadValue
	names   map[*kernel.AccessToken]string // display names of token objects
	owned   []*kernel.AccessToken          // references made for Token= parameters, dropped at the end
	domain  sid.SID                        // of relative aliases
	server  *kernel.EThread                // Thread= of the call being converted
	class   winnt.TokenInfoClass           // TokenInformationClass= of the call being converted

	routines map[starlark.Callable]*kernel.LogonSessionTerminatedRoutine // made for CallbackRoutine= parameters
	kthread  *kernel.KernelThread                                        // of system(), created on first use
	sink     auditSink                                                   // what audit_records() takes from
	faults   map[string]int                                              // allocations still to fail, by point
	win32    map[*nt.Thread]*win32.Thread                                // Win32 faces of threads, made when used
	// wraps ErrStopped: after that nothing may use the kernel
	stopped error
	// of Config.Connect, open
	connections []Connection
	// bytes of the heap, set before the program goes on
	limit uint64
	// steps that began, of all threads of the interpreter
	steps atomic.Uint64
	// steps of thread that earlier programs and statements took
	before  uint64
	writing atomic.Bool // the output is being written
	working bool        // a program waits for work of its own
	wrong   int         // statements of sessions that ended with an error
	failed  int         // expectations that did not hold
	held    int         // expectations that held
}

// ErrExpectation means that an expectation of the program failed.
var ErrExpectation = errors.New("an expectation did not hold")

// New starts a new kernel for programs. A nil Output discards what programs print. The caller must close the Runner.
// It panics if the kernel cannot start.
func New(cfg Config) *Runner {
	if cfg.Output == nil {
		cfg.Output = io.Discard
	}
	r := &Runner{cfg: cfg, threads: map[*nt.Thread]*threadValue{}, names: map[*kernel.AccessToken]string{},
		faults: map[string]int{}, win32: map[*nt.Thread]*win32.Thread{}}
	r.sink.durable = cfg.Audit
	// A fixed first LUID makes the transcript the same on each run. Files exist only as long as the system.
	r.sys = kernel.Boot(kernel.Config{Profile: cfg.Profile, Faults: r.fails, FirstLUID: 0x3E8,
		LSA: logon.Example(sid.SID{}), Log: &audit.Log{Sink: &r.sink, Computer: "refmon", Clock: cfg.Clock}})
	r.sys.Audit().Policy.Store(cfg.Policy)
	r.out = &transcript{r: r, w: patientWriter{r}}
	r.thread = &starlark.Thread{Name: "script", Print: func(_ *starlark.Thread, msg string) { r.out.say(msg) }}
	r.bound(r.thread)
	r.globals = r.predeclared()
	return r
}

// options allow loops and reassignment at top level, which makes transcripts easier to write.
var options = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: false}

// Run runs one program. name is its file name in messages. Run returns [ErrExpectation] if an expectation failed, in
// this or an earlier program. Any other error of the program has file, line and column; too many steps, too much memory
// and more than [MaxSource] bytes are such errors. Objects of the kernel remain for the next program. After
// [ErrStopped] the Runner is unusable.
func (r *Runner) Run(name string, source []byte) error {
	if err := tooLong(name, source); err != nil {
		return err
	}
	err := r.guarded(func() error {
		_, err := r.execute(name, source)
		return err
	})
	return r.outcome(err)
}

// execute runs a program within the limits of the thread and returns its definitions.
func (r *Runner) execute(name string, source []byte) (starlark.StringDict, error) {
	f, err := options.Parse(name, source, 0)
	if err != nil {
		return nil, err
	}
	boundProducts(f)
	program, err := starlark.FileProgram(f, r.globals.Has)
	if err != nil {
		return nil, err
	}
	defined, err := program.Init(r.thread, r.globals)
	defined.Freeze()
	return defined, err
}

// MaxSource is the longest program, in bytes. The compiler recurses for each call or operator of a chain such as
// f()()(). A longer chain would overflow its stack, which ends the process.
const MaxSource = 512 << 10

// tooLong returns an error if the source has more than MaxSource bytes.
func tooLong(name string, source []byte) error {
	if len(source) > MaxSource {
		return fmt.Errorf("%s: the program is longer than %d bytes", name, MaxSource)
	}
	return nil
}

// outcome flushes the transcript and returns the error of a program. If err is nil it returns the write error, or
// [ErrExpectation] if an expectation failed. It returns any other err as it is, and after [ErrStopped] it does not
// flush.
func (r *Runner) outcome(err error) error {
	if errors.Is(err, ErrStopped) {
		return err // all output that could be written was written
	}
	if lost := r.out.flush(); err == nil && lost != nil {
		return fmt.Errorf("write the transcript: %w", lost)
	}
	if err == nil && r.failed > 0 {
		return ErrExpectation
	}
	return err
}

// Load runs a program and makes its definitions predeclared for later programs. It does not print its calls. Its
// expectations count in [Runner.Expectations], but Load does not return [ErrExpectation]. A text that is too long, and
// an error of the program, leave the definitions of earlier programs.
func (r *Runner) Load(name string, source []byte) error {
	if err := tooLong(name, source); err != nil {
		return err
	}
	quiet := r.cfg.Quiet
	r.cfg.Quiet = true
	defer func() { r.cfg.Quiet = quiet }()
	var defined starlark.StringDict
	err := r.guarded(func() (err error) {
		defined, err = r.execute(name, source)
		return err
	})
	if err != nil {
		return err
	}
	for k, v := range defined {
		r.globals[k] = v
	}
	return nil
}

// Expectations returns how many expectations of programs held and how many failed since New.
func (r *Runner) Expectations() (held, failed int) { return r.held, r.failed }

// Close closes connections and ends the kernel. It returns an error with the objects that the program leaked, or
// [ErrStopped] if the kernel stops now. After [ErrStopped] it does nothing and returns nil.
func (r *Runner) Close() (err error) {
	if r.stopped != nil {
		return nil
	}
	disconnected := r.disconnect() // first, because the rest can panic
	defer func() {
		if x := recover(); x != nil { // the program dropped more references to an object than it had
			r.stopped = recovered(x)
			err = errors.Join(r.stopped, disconnected)
		}
	}()
	r.release()
	return errors.Join(disconnected, r.sys.Close())
}

// release drops the runner's references to the token objects that it created, without printing calls. It does nothing
// if there are none.
func (r *Runner) release() {
	if len(r.owned) == 0 {
		return
	}
	k, err := r.system()
	if err != nil {
		return
	}
	for _, t := range r.owned {
		k.quietly(func() { k.k.PsDereferenceImpersonationToken(t) })
	}
	r.owned = nil
}

// locate converts an error of the interpreter to "file:line:col: message". It returns other errors unchanged. The
// position is that of the innermost call in a program.
func locate(err error) error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		for i := range eval.CallStack {
			if pos := eval.CallStack.At(i).Pos; pos.IsValid() && pos.Filename() != "<builtin>" {
				return fmt.Errorf("%s: %w", pos, eval.Unwrap())
			}
		}
	}
	return err
}

// lineOf returns the line of the program's innermost frame, 0 if there is none. A function of [Prelude] counts as the
// line of its caller.
func lineOf(th *starlark.Thread) int {
	for i := range th.CallStackDepth() {
		if pos := th.CallFrame(i).Pos; pos.IsValid() && pos.Filename() != "<builtin>" && pos.Filename() != Prelude {
			return int(pos.Line)
		}
	}
	return 0
}

// Prelude is the file name for [Runner.Load] of definitions that do not belong to the program.
const Prelude = "prelude"

// position returns file, line and column of the program's innermost frame, "?" if there is none.
func position(th *starlark.Thread) string {
	for i := range th.CallStackDepth() {
		if pos := th.CallFrame(i).Pos; pos.IsValid() && pos.Filename() != "<builtin>" {
			return pos.String()
		}
	}
	return "?"
}
