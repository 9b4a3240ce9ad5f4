package script_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// served is a process of another kernel, as a daemon creates it.
type served struct {
	*kernel.Process
	sys *kernel.System
}

func (p served) Profile() nt.Profile   { return p.sys.Profile() }
func (p served) GiveBack(t *nt.Thread) { t.Close() }
func (p served) ID() winnt.Handle      { return p.Process.ID() }

// remote returns a function that connects a program to a kernel whose processes are bob's.
func remote(t *testing.T, profile nt.Profile) func() (script.Connection, error) {
	t.Helper()
	bob := check.Must(token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1108","groups":["WD"]}`)))
	sys := kernel.Boot(kernel.Config{Profile: profile})
	ended := make(chan error, 16)
	n := 0
	t.Cleanup(func() {
		for range n {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	return func() (script.Connection, error) {
		p, err := sys.NewProcess("elsewhere", bob)
		if err != nil {
			return nil, err
		}
		ours, theirs := net.Pipe()
		n++
		go func() {
			err := wire.Serve(theirs, served{p, sys})
			p.Close()
			ended <- err
		}()
		return client.New(ours)
	}
}

// TestConnectedProgramHasItsRemoteIdentity checks that a connected program calls the other kernel with the identity
// that it has there (W-26).
func TestConnectedProgramHasItsRemoteIdentity(t *testing.T) {
	var out bytes.Buffer
	r := script.New(script.Config{Output: &out, Connect: remote(t, nt.Observed)})
	err := r.Run("p.star", []byte(`
me = process("me")
th = me.thread
h = th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
user = th.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=TokenUser).TokenInformation
expect(user.Sid, "S-1-5-21-1-2-3-1108")
expect(handle_information(th, h).GrantedAccess, TOKEN_QUERY)
twin = th.NtDuplicateObject(SourceProcessHandle=NtCurrentProcess(), SourceHandle=h,
    TargetProcessHandle=NtCurrentProcess(), HandleAttributes=OBJ_INHERIT, Options=DUPLICATE_SAME_ACCESS).TargetHandle
expect(handle_information(th, twin).HandleAttributes, OBJ_INHERIT)
th.NtClose(Handle=twin)
other = me.new_thread()
expect(other.name == th.name, False)
expect(other.NtClose(Handle=h).status, STATUS_SUCCESS)
expect(th.NtClose(Handle=h).status, STATUS_INVALID_HANDLE)
again = process("again")
expect((again.id == me.id, again.name), (False, "again"))
expect(profile(), "observed")
me.exit()
expect(th.NtClose(Handle=h).status, STATUS_PORT_DISCONNECTED)
expect(again.thread.NtClose(Handle=4).status, STATUS_INVALID_HANDLE)
`))
	check.That(t, err == nil, "connected program: %v, want no error\n%s", err, out.String())
	check.NoError(t, r.Close())
	check.That(t, strings.Contains(out.String(), "elsewhere/1") && strings.Contains(out.String(), "because O-40"),
		"transcript lacks the names and reasons of the other kernel, want them:\n%s", out.String())
}

// TestAttachedThreadIsTraced checks that the transcript has the calls of a thread that Attach returned.
func TestAttachedThreadIsTraced(t *testing.T) {
	attach := func(p *kernel.Process, _ *nt.Thread) (*nt.Thread, error) { return p.NewThread() }
	text := mustRun(t, script.Config{Attach: attach}, `process("p", token_profile("user")).thread.NtClose(Handle=4)`)
	check.That(t, strings.HasPrefix(text, "p/2 "), "transcript of an attached thread %q, want its call", text)
}

// brokenClose is a connection that is closed with an error.
type brokenClose struct{ script.Connection }

func (c brokenClose) Close() error { return errors.Join(c.Connection.Close(), io.ErrClosedPipe) }

// Close returns the error of each connection, also of one before the last.
func TestCloseReportsEachConnection(t *testing.T) {
	connect, n := remote(t, nt.Documented), 0
	r := script.New(script.Config{Connect: func() (script.Connection, error) {
		c, err := connect()
		if n++; n == 1 {
			return brokenClose{c}, err
		}
		return c, err
	}})
	check.NoError(t, r.Run("p.star", []byte("process(\"a\")\nprocess(\"b\")")))
	check.ErrorIs(t, r.Close(), io.ErrClosedPipe, "close")
}

// Functions without a user-mode call are refused by name (W-26).
func TestKernelFunctionsAreRefusedWhenConnected(t *testing.T) {
	for _, statement := range []string{
		`process("x", token(user="SY"))`, `process("x", sd="D:")`, `kernel_mode(th)`, `system()`, `file("f", sd="D:")`,
		`token_object(token(user="SY"))`, `counts()`, `close_all()`, `audit_policy({})`,
		`audit_records()`, `job(me, "NO_ADMIN")`,
		`fault("x")`, `process_by_id(4)`, `queue_system_work(th, lambda w, r: None)`, `security_policy()`, `th.id`,
	} {
		r := script.New(script.Config{Connect: remote(t, nt.Documented)})
		err := r.Run("p.star", []byte("me = process(\"me\")\nth = me.thread\n"+statement))
		var refused *script.UnaskableError
		check.That(t, errors.As(err, &refused), "%s: %v, want a refusal", statement, err)
		check.NoError(t, r.Close())
	}
}
