package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// charged is a test with a system whose processes have quota blocks.
type charged struct {
	*testing.T
	sys *kernel.System
}

func newCharged(t *testing.T) *charged {
	return &charged{t, boot(t, kernel.Config{})}
}

// process creates a process of the user that is charged to b, and a thread in it.
func (w *charged) process(user string, b *kernel.QuotaBlock) (*kernel.Process, *nt.Thread) {
	w.Helper()
	p := check.Must(w.sys.CreateProcess(kernel.ProcessSpec{Name: user, Token: benchToken(w, user, winnt.TokenPrimary),
		Quota: b}))
	return p, check.Must(p.NewThread())
}

// makers has a function for each type that creates an object and returns its handle.
var makers = map[string]func(th *nt.Thread, name string) (winnt.Handle, ntstatus.Status){
	"event": func(th *nt.Thread, name string) (winnt.Handle, ntstatus.Status) {
		return th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, objectNamed(name), nt.NotificationEvent, false)
	},
	"directory": func(th *nt.Thread, name string) (winnt.Handle, ntstatus.Status) {
		out, st := th.CallRow(nt.NtTable.Find("NtCreateDirectoryObject"), nt.CreateDirectoryObjectIn{
			DesiredAccess: winnt.DIRECTORY_ALL_ACCESS, ObjectAttributes: nt.Cap(objectNamed(name))})
		return out.(nt.DirectoryObjectOut).DirectoryHandle, st
	},
	"job": func(th *nt.Thread, name string) (winnt.Handle, ntstatus.Status) {
		out, st := th.CallRow(nt.NtTable.Find("NtCreateJobObject"), nt.CreateJobObjectIn{
			DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS, ObjectAttributes: nt.Cap(objectNamed(name))})
		return out.(nt.CreateJobObjectOut).JobHandle, st
	},
	"port": func(th *nt.Thread, name string) (winnt.Handle, ntstatus.Status) {
		out, st := th.CallRow(nt.NtTable.Find("NtCreatePort"),
			nt.CreatePortIn{ObjectAttributes: nt.Cap(objectNamed(name))})
		return out.(nt.PortOut).PortHandle, st
	},
	"pipe": func(th *nt.Thread, name string) (winnt.Handle, ntstatus.Status) {
		out, st := th.CallRow(nt.NtTable.Find("NtCreateNamedPipeFile"), nt.CreateNamedPipeFileIn{ShareAccess: 3,
			DesiredAccess: winnt.GENERIC_READ, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
				ObjectName: `\??\pipe\` + strings.TrimPrefix(name, `\BaseNamedObjects\`)})})
		return out.(nt.CreateNamedPipeFileOut).FileHandle, st
	},
	"token": func(th *nt.Thread, _ string) (winnt.Handle, ntstatus.Status) {
		h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
		if st != ntstatus.Success {
			return 0, st
		}
		defer th.NtClose(h)
		out, st := th.CallRow(nt.NtTable.Find("NtDuplicateToken"), nt.DuplicateTokenIn{ExistingTokenHandle: h,
			TokenType: winnt.TokenPrimary})
		return out.(nt.DuplicateTokenOut).NewTokenHandle, st
	},
	"process": func(th *nt.Thread, _ string) (winnt.Handle, ntstatus.Status) {
		out, st := th.CallRow(nt.NtTable.Find("NtCreateUserProcess"), nt.CreateUserProcessIn{
			ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS, ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
		made := out.(nt.CreateUserProcessOut)
		if st == ntstatus.Success {
			th.NtClose(made.ThreadHandle)
		}
		return made.ProcessHandle, st
	},
}

func objectNamed(name string) *nt.ObjectAttributes {
	if name == "" {
		return nil
	}
	return &nt.ObjectAttributes{ObjectName: name}
}

// A create that fails with any remaining quota leaves the quota as it was.
func TestFailedCreateReturnsItsCharge(t *testing.T) {
	for what, create := range makers {
		t.Run(what, func(t *testing.T) {
			w := newCharged(t)
			for left := 1; ; left += 97 {
				b := kernel.NewQuotaBlock(nil, 100<<10, false)
				p, th := w.process("S-1-5-21-1-2-3-1107", b)
				table, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE) // it has its memory
				th.NtClose(table)
				small := kernel.NewQuotaBlock(nil, int64(left), false)
				p.SetQuota(small)
				h, st := create(th, fmt.Sprintf(`\BaseNamedObjects\%s%d`, what, left))
				if st == ntstatus.Success {
					check.That(t, small.Used() != 0, "Used = 0 after a create, want more")
					th.Close()
					p.Close()
					check.That(t, b.Used() == 0 && small.Used() == 0,
						"Used after Close: %d and %d bytes, want 0, 0", b.Used(), small.Used())
					return
				}
				check.RequireThat(t, st == ntstatus.QuotaExceeded && h == 0 && small.Used() == 0,
					"create with %d bytes left: %v, handle %d, %d bytes used; want %v, 0, 0", left, st, h, small.Used(),
					ntstatus.QuotaExceeded)
				th.Close()
				p.Close()
			}
		})
	}
}

// An object that another process has open stays charged to its creator until that handle is closed, even after the
// creator has ended.
func TestChargeStaysWithTheCreator(t *testing.T) {
	w := newCharged(t)
	one, two := kernel.NewQuotaBlock(nil, 1<<20, false), kernel.NewQuotaBlock(nil, 1<<20, false)
	p, th := w.process("S-1-5-21-1-2-3-1107", one)
	_, other := w.process("S-1-5-21-1-2-3-1107", two)
	h := check.Result(makers["event"](th, `\BaseNamedObjects\`+strings.Repeat("e", 1000)))
	before := two.Used()
	theirs, st := other.NtOpenEvent(winnt.EVENT_ALL_ACCESS, objectNamed(`\BaseNamedObjects\`+strings.Repeat("e", 1000)))
	check.Require(t, st, ntstatus.Success, "NtOpenEvent")
	table := two.Used() - before // the first handle of a process also charges its handle table
	check.That(t, table <= 8<<10, "opening an event charges %d bytes to the opener, want at most %d", table, 8<<10)
	th.NtClose(h)
	th.Close()
	p.Close()
	if used := one.Used(); used < 2000 {
		t.Errorf("%d bytes are charged to the creator of an open object, want at least 2,000 for its name", used)
	}
	other.NtClose(theirs)
	used := one.Used()
	check.That(t, used == 0, "%d bytes are charged to the creator after the last close, want 0", used)
}

// For random sequences of creates and closes by three processes of two accounts, each block is charged for its live
// objects, the pool has the sum of its blocks, and at the end nothing is charged.
func TestRandomChargesBalance(t *testing.T) {
	draw := rand.New(rand.NewPCG(randtest.Seed(t), 1))
	w := newCharged(t)
	pool := kernel.NewQuotaPool(3<<20, 1<<10)
	blocks := []*kernel.QuotaBlock{kernel.NewQuotaBlock(pool, 1<<20, false), kernel.NewQuotaBlock(pool, 1<<20, false)}
	type member struct {
		p  *kernel.Process
		th *nt.Thread
		of int
	}
	var members []member
	for i := range 3 {
		p, th := w.process("S-1-5-21-1-2-3-1107", blocks[i%2])
		members = append(members, member{p, th, i % 2})
	}
	names := []string{"event", "directory", "job", "port", "pipe", "token", "process"}
	type held struct {
		member int
		h      winnt.Handle
	}
	var all []held
	for step := range 4000 {
		m := draw.IntN(len(members))
		of := members[m].of
		if draw.IntN(5) < 2 && len(all) > 0 {
			at := draw.IntN(len(all))
			check.Require(t, members[all[at].member].th.NtClose(all[at].h), ntstatus.Success, "NtClose")
			all[at] = all[len(all)-1]
			all = all[:len(all)-1]
		} else {
			what := names[draw.IntN(len(names))]
			before := blocks[of].Used()
			h, st := makers[what](members[m].th, fmt.Sprintf(`\BaseNamedObjects\%d%s`, step,
				strings.Repeat("n", draw.IntN(5000))))
			switch {
			case st == ntstatus.Success:
				all = append(all, held{m, h})
				check.RequireThat(t, blocks[of].Used() > before,
					"step %d: a new %s does not raise the charge of %d bytes", step, what, before)
			case blocks[of].Used() != before && what != "process": // a process that ends takes a moment
				t.Fatalf("step %d: creating a %s failed with %v but charged %d bytes, want 0", step, what, st,
					blocks[of].Used()-before)
			}
		}
		if blocks[0].Used()+blocks[1].Used() != pool.Used() {
			t.Fatalf("step %d: the blocks use %d and %d bytes, the pool %d; want the pool to have their sum", step,
				blocks[0].Used(), blocks[1].Used(), pool.Used())
		}
	}
	for _, o := range all {
		members[o.member].th.NtClose(o.h)
	}
	for _, m := range members {
		m.th.Close()
		m.p.Close()
	}
	check.That(t, pool.Used() == 0, "the pool uses %d bytes at the end, want 0", pool.Used())
}

// Objects that a server creates as a client are charged to the client's part of the server's quota. One client cannot
// use up the quota of other clients or of the server.
func TestClientsShareTheQuotaOfTheirServer(t *testing.T) {
	w := newCharged(t)
	const quota = 2 << 20
	b := kernel.NewQuotaBlock(nil, quota, false)
	_, th := w.process("S-1-5-21-1-2-3-2000", b)
	k := w.sys.KernelMode(th)
	fill := func(user string) (n int) {
		t.Helper()
		tok := k.CaptureToken(benchToken(t, user, winnt.TokenImpersonation), k.Thread())
		defer k.PsDereferenceImpersonationToken(tok)
		check.Require(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation),
			ntstatus.Success, "PsImpersonateClient")
		defer k.PsRevertToSelf()
		for {
			if _, st := makers["event"](th, ""); st != ntstatus.Success {
				check.Equal(t, st, ntstatus.QuotaExceeded, "NtCreateEvent as %s", user)
				return n
			}
			n++
		}
	}
	first, second := fill("S-1-5-21-1-2-3-1107"), fill("S-1-5-21-1-2-3-1108")
	if second < first/3 || b.Used() > quota*4/5 {
		t.Errorf("the first client created %d events, the second %d; %d of %d bytes are used; want the second at "+
			"least a third of the first, and at most 4/5 of the bytes", first, second, b.Used(), quota)
	}
	again := fill("S-1-5-21-1-2-3-1107")
	check.That(t, again == 0, "the first client created %d more events after its limit, want 0", again)
	check.Equal(t, check.Status(makers["event"](th, "")), ntstatus.Success, "NtCreateEvent as the server itself")
}

// A descriptor is charged to the process that set it until another one replaces it. Closing the object's last handle
// releases the charge.
func TestReplacedDescriptorsAreNotCharged(t *testing.T) {
	w := newCharged(t)
	b := kernel.NewQuotaBlock(nil, 1<<20, false)
	p, th := w.process("S-1-5-21-1-2-3-1107", b)
	h := check.Result(makers["event"](th, `\BaseNamedObjects\e`))
	give := func(text string) int64 {
		t.Helper()
		d := check.Must(sddl.Parse(text, sddl.Options{}))
		check.Require(t, th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, d), ntstatus.Success,
			"NtSetSecurityObject")
		return b.Used()
	}
	short := give("D:(A;;GA;;;WD)")
	long := give("D:" + strings.Repeat("(A;;GA;;;WD)", 1000))
	check.That(t, long >= short+20_000,
		"Q-2: %d bytes are used with a DACL of 1,000 entries, %d with one entry; want at least %d", long, short, short+20_000)
	if again := give("D:(A;;GA;;;WD)"); again != short {
		t.Errorf("Q-2: %d bytes are used after the short descriptor was set again, want %d as before", again, short)
	}
	th.NtClose(h)
	th.Close()
	p.Close()
	check.That(t, b.Used() == 0, "Q-2: %d bytes are charged after the last close, want 0", b.Used())
}
