package client

import (
	"errors"
	"net"
	"os/exec"
	"os/user"
	"reflect"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestNothingOfTheLost: what a question brings on a lost connection is nothing at all (W-9).
func TestNothingOfTheLost(t *testing.T) {
	s := script(t)
	of := s.carrier()
	_ = s.Close()
	_, _, lost := of.NewThread()
	for name, got := range map[string][]any{
		"port": list(of.PortConnected(4)), "save": list(of.SaveImpersonation()), "thread": list(of.NewThread()),
		"call": list(of.Call(closing, nt.CloseIn{Handle: 4}, true)),
		"file": list(s.OpenFile(s.first, nt.CreateFileIn{})), "look": list(s.Look(nil)),
		"accounts": list(s.Administer(nil)), "attach": list(s.AttachAs(4)), "read as": list(s.ReadFileAs(s.first, 4,
			nt.CreateFileIn{}, 1, nil)),
	} {
		for _, v := range got {
			switch v := v.(type) {
			case ntstatus.Status:
				if v != lost {
					t.Errorf("%s: %v, want %v", name, v, lost)
				}
			case nt.Why:
				if v.Rule != "W-9" || v.Because != ErrClosed.Error() || v.Object != "" || v.Explanation != nil {
					t.Errorf("%s: because of %+v", name, v)
				}
			case error:
				if !errors.Is(v, ErrClosed) {
					t.Errorf("%s: %v", name, v)
				}
			default:
				if x := reflect.ValueOf(v); x.IsValid() && !x.IsZero() {
					t.Errorf("%s brings %+v", name, v)
				}
			}
		}
	}
}

// list returns what a call returns.
func list(v ...any) []any { return v }

// TestRunAs: a program for another user runs under that one's uid and gid, with the groups that the host gives that
// user; what else was asked of it stays. An unknown uid is an error, and changes nothing.
func TestRunAs(t *testing.T) {
	who, err := user.LookupId("0")
	if err != nil {
		t.Skip("the host names no user 0: ", err)
	}
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	named, err := who.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	want := &syscall.Credential{Uid: 0, Gid: number(who.Gid)}
	for _, g := range named {
		want.Groups = append(want.Groups, number(g))
	}
	for _, before := range []*syscall.SysProcAttr{nil, {Setsid: true, Pdeathsig: syscall.SIGTERM}} {
		cmd := &exec.Cmd{SysProcAttr: before}
		if err := runAs(cmd, 0); err != nil {
			t.Fatal(err)
		}
		got := cmd.SysProcAttr.Credential
		if got.Uid != want.Uid || got.Gid != want.Gid || !slices.Equal(got.Groups, want.Groups) || got.NoSetGroups {
			t.Errorf("%+v, want %+v", got, want)
		}
		if before != nil && (cmd.SysProcAttr != before || !before.Setsid || before.Pdeathsig != syscall.SIGTERM) {
			t.Errorf("of what was asked for %+v is left", cmd.SysProcAttr)
		}
	}
	cmd := new(exec.Cmd)
	if _, err := user.LookupId("3999999999"); err == nil {
		t.Skip("the host names every user")
	}
	if err := runAs(cmd, 3999999999); err == nil || cmd.SysProcAttr != nil {
		t.Errorf("a user that is not: %v, %+v", err, cmd.SysProcAttr)
	}
}

// timed is a connection that notes the deadlines of what is written.
type timed struct {
	net.Conn
	deadlines []string
}

func (s *timed) Write(b []byte) (int, error) { return len(b), nil }
func (s *timed) SetDeadline(time.Time) error {
	s.deadlines = append(s.deadlines, "both")
	return nil
}

func (s *timed) SetWriteDeadline(at time.Time) error {
	s.deadlines = append(s.deadlines, map[bool]string{true: "none", false: "write"}[at.IsZero()])
	return nil
}

// TestDeadlineOfARequest: what a socket does not take at once is written under a deadline of writes alone, which is
// gone afterwards: the reads of others go on (W-3).
func TestDeadlineOfARequest(t *testing.T) {
	conn := new(timed)
	if err := (&Conn{conn: conn}).writeRest([]byte("rest")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(conn.deadlines, []string{"write", "none"}) {
		t.Errorf("deadlines %q", conn.deadlines)
	}
}

// TestExitOfAProgram: a program's process is ended with its exit code, if the process of that number is still the one
// that was started; its handle is closed in any case (W-77).
func TestExitOfAProgram(t *testing.T) {
	const h, id, made, code = winnt.Handle(0x60), winnt.Handle(0x44), 99, ntstatus.Status(137)
	for name, c := range map[string]struct {
		opens    ntstatus.Status
		id, made int64
		ends     bool
	}{"it is there": {0, 0x44, 99, true}, "another one has the number": {0, 0x44, 98, false},
		"another number": {0, 0x48, 99, false}, "it is gone": {ntstatus.InvalidCid, 0, 0, false}} {
		t.Run(name, func(t *testing.T) {
			s := script(t)
			p := &Program{conn: s.Conn, id: id, made: made}
			// answer reads a call of a row, and answers it.
			answer := func(row string, st ntstatus.Status, out any) any {
				f := s.next(wire.Call)
				r := wire.Rows()[nt.NtTable.Find(row).Info().Number]
				if f.Service != s.services[row] {
					t.Errorf("service %d, want %s", f.Service, row)
				}
				var rest []byte
				if st == ntstatus.Success {
					var err error
					if rest, err = r.AppendOut(nil, out); err != nil {
						t.Error(err)
					}
				}
				s.tell(f, st, rest)
				in, err := r.DecodeIn(f.Body[1:])
				if err != nil {
					t.Error(err)
				}
				return in
			}
			s.beside(func() {
				in, ok := answer("NtOpenProcess", c.opens, nt.OpenProcessOut{ProcessHandle: h}).(nt.OpenProcessIn)
				if !ok || in.DesiredAccess != winnt.PROCESS_TERMINATE|winnt.PROCESS_QUERY_LIMITED_INFORMATION ||
					in.ClientID.V == nil || *in.ClientID.V != (nt.ClientID{UniqueProcess: id}) {
					t.Errorf("it opens %+v", in)
				}
				if c.opens != ntstatus.Success {
					return
				}
				answer("NtQueryInformationProcess", 0, nt.QueryInformationProcessOut{
					ProcessInformation: nt.ProcessBasic{UniqueProcessID: winnt.Handle(c.id)}})
				answer("NtQueryInformationProcess", 0, nt.QueryInformationProcessOut{
					ProcessInformation: nt.KernelUserTimes{CreateTime: c.made, ExitTime: 5}})
				if c.ends {
					end := answer("NtTerminateProcess", 0, nt.TerminateProcessOut{})
					if end != (nt.TerminateProcessIn{ProcessHandle: h, ExitStatus: code}) {
						t.Errorf("it ends %+v", end)
					}
				}
				if in := answer("NtClose", 0, nt.CloseOut{}); in != (nt.CloseIn{Handle: h}) {
					t.Errorf("it closes %+v", in)
				}
			}, func() { p.exit(s.first, code) })
			s.stands()
		})
	}
}
