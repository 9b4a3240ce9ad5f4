package script_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// answering is a backend with one process and one thread. Each function returns the same result and error code, and
// each service fails if the result is false. A failed NtDuplicateToken does not write its handle.
type answering struct {
	result bool
	code   win32.Code
	broken error // of each service
}

func (a answering) NewProcess(string, *token.Token) (script.BackendProcess, error) { return a, nil }
func (a answering) NewThread() (script.BackendThread, error)                       { return a, nil }
func (a answering) ID() (winnt.Handle, error)                                      { return 400, nil }
func (a answering) Exit()                                                          {}

func (a answering) CallRow(row *nt.Row, _ any) (any, ntstatus.Status, error) {
	st := ntstatus.Success
	if !a.result {
		st = ntstatus.AccessDenied
	}
	out := reflect.New(row.OutType()).Elem()
	if h := out.FieldByName("NewTokenHandle"); h.IsValid() && !a.result {
		h.SetInt(int64(script.Untouched))
	}
	return out.Interface(), st, a.broken
}

func (a answering) CallFunction(row *nt.Row, _ any) (out any, result bool, code win32.Code, err error) {
	return reflect.Zero(row.OutType()).Interface(), a.result, a.code, nil
}

// The result alone decides whether a backend's function failed. AdjustTokenPrivileges succeeds with
// ERROR_NOT_ALL_ASSIGNED.
func TestBackendStatusFollowsResult(t *testing.T) {
	const notAllAssigned, invalidHandle = 1300, 6
	for b, want := range map[answering]string{
		{true, 0, nil}: "STATUS_SUCCESS", {true, notAllAssigned, nil}: "STATUS_SUCCESS",
		{false, 0, nil}: "STATUS_UNSUCCESSFUL", {false, invalidHandle, nil}: "STATUS_UNSUCCESSFUL",
	} {
		out, err, leak := run(t, script.Config{Backend: b}, fmt.Sprintf(`
r = process("p", token_profile("user")).thread.AdjustTokenPrivileges(TokenHandle=4)
expect(r.status, %s)
`, want))
		check.That(t, err == nil && leak == nil && strings.Contains(out, "ERROR_NOT_ALL_ASSIGNED") == (b.code == 1300),
			"result %t, error code %d: %v, %v, want %s\n%s", b.result, b.code, err, leak, want, out)
	}
}

// TestBackendRecordHasOutputs checks that a backend's call is recorded with all its outputs if it succeeds, and with
// its handles alone if it fails.
func TestBackendRecordHasOutputs(t *testing.T) {
	for result, want := range map[bool]string{false: "map[TokenHandle:NULL] map[] map[]",
		true: "map[TokenHandle:NULL] map[NewTokenHandle:NULL] " +
			"map[AccessStatus:STATUS_SUCCESS GrantedAccess:0x00000000 PrivilegeSet:<nil> PrivilegeSetLength:0x0]"} {
		var got []any
		cfg := script.Config{Backend: answering{result: result}, Quiet: true,
			Record: func(c script.Recorded) { got = append(got, c.Out) }}
		_, err, leak := run(t, cfg, `
th = process("p", token_profile("user")).thread
expect(th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle, 0)
expect([counts(), th.id, th.process.id], [(0, 0, 0), 400, 400])
th.NtDuplicateToken(ExistingTokenHandle=4, TokenType=TokenPrimary)
th.NtAccessCheck(DesiredAccess=1)
`)
		check.That(t, err == nil && leak == nil, "result %t: %v, %v", result, err, leak)
		check.Equal(t, fmt.Sprint(got), "["+want+"]", "outputs with result %t", result)
	}
	out, err, leak := run(t, script.Config{Backend: answering{broken: io.ErrUnexpectedEOF}}, `
process("p", token_profile("user")).thread.NtClose(Handle=4)`)
	check.That(t, errors.Is(err, io.ErrUnexpectedEOF) && leak == nil && out == "", "broken backend: %v, %v, printed %q",
		err, leak, out)
}

// ending is a backend that makes no further process after one has ended.
type ending struct {
	answering
	ended *bool
}

func (e ending) Exit() { *e.ended = true }
func (e ending) NewProcess(string, *token.Token) (script.BackendProcess, error) {
	if *e.ended {
		return nil, io.ErrClosedPipe
	}
	return e, nil
}

// A process ends in the backend too. One that the backend refuses leaves nothing in the program's own kernel.
func TestBackendProcessEnds(t *testing.T) {
	_, err, leak := run(t, script.Config{Backend: ending{ended: new(bool)}, Quiet: true}, `
process("p", token_profile("user")).exit()
process("q", token_profile("user"))`)
	check.That(t, errors.Is(err, io.ErrClosedPipe) && leak == nil, "second process: %v, %v, want it refused", err, leak)
}

// TestBackendRefusesFunctionsOfOwnKernel checks that a program which uses a kernel routine, or inspects the program's
// own kernel, ends with an UnaskableError.
func TestBackendRefusesFunctionsOfOwnKernel(t *testing.T) {
	for _, statement := range []string{`kernel_mode(th).PsRevertToSelf()`, `system().PsRevertToSelf()`,
		`queue_system_work(th, lambda w, r: None)`, `job(me, "NO_ADMIN")`, `fault("x")`, `close_all()`, `process_by_id(4)`,
		`logon_session()`, `security_policy()`, `package_directory("p")`, `audit_records()`, `audit_full()`,
	} {
		_, err, leak := run(t, script.Config{Backend: answering{}, Quiet: true},
			"me = process(\"me\", token_profile(\"user\"))\nth = me.thread\n"+statement)
		var refused *script.UnaskableError
		check.That(t, errors.As(err, &refused) && leak == nil, "%s: %v, %v, want a refusal", statement, err, leak)
	}
}
