package ps

import (
	"github.com/refmon/refmon/internal/quota"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// After an assignment the previous token is no longer in use, and the job's filter applies to the new one (T-110,
// I-90). The question whether an assignment would succeed leaves no token behind.
func TestAssignReleasesOldToken(t *testing.T) {
	w := newJobWorld(t)
	j := w.NewJob(w.p.Token())
	j.SetLimits(JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}})
	own := w.token(user())
	p := w.NewProcess("child", own)
	if out := p.AssignToJob(j); out.Status != ntstatus.Success || !own.InUse() {
		t.Fatalf("AssignToJob: %v, old token in use %t, want success and true", out.Status, own.InUse())
	}
	tok, was := w.token(user()), p.PrimaryToken()
	// The second token is in use, so the process would get a copy of it.
	for _, asked := range []*se.TokenObject{tok, w.p.PrimaryToken()} {
		succeeds(t, p.MayAssignPrimary(asked))
	}
	check.That(t, p.PrimaryToken() == was && !tok.InUse(), "MayAssignPrimary changed the token")
	succeeds(t, p.AssignPrimaryToken(tok))
	if own.InUse() || tok.InUse() || p.Token().Member(sid.Users, false) {
		t.Errorf("T-110: old token in use %t, unfiltered new token in use %t, has group Users %t, want false for all",
			own.InUse(), tok.InUse(), p.Token().Member(sid.Users, false))
	}
	// The limits of the job come before the question whether a thread has run (T-110).
	th, refused := check.Result(p.NewThread()), w.token(user(func(s *token.Spec) { s.Groups = admin().Groups }))
	check.Equal(t, p.MayAssignPrimary(tok).Rule, "T-110", "rule for a process that has started")
	succeeds(t, j.SetLimits(JobLimits{Flags: JobFilterTokens | JobNoAdmin, Filter: j.Limits().Filter}))
	check.Equal(t, p.MayAssignPrimary(refused).Rule, "I-90", "rule for a token that the job refuses, too")
	p.Exit()
	w.close(j, own, tok, p, th, refused)
}

// The token that a job's filter creates is charged to the process. Otherwise the assignment fails and the process keeps
// its token.
func TestAssignedCopyIsCharged(t *testing.T) {
	w := newJobWorld(t)
	j := w.NewJob(w.p.Token())
	j.SetLimits(JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}})
	own, tok := w.token(user()), w.token(user())
	p := w.NewProcess("child", own)
	succeeds(t, p.AssignToJob(j))
	for _, c := range []struct {
		room int64
		want ntstatus.Status
	}{{1, ntstatus.QuotaExceeded}, {1 << 20, ntstatus.Success}} {
		block := quota.NewBlock(nil, c.room, false)
		p.SetQuota(block)
		check.Equal(t, p.AssignPrimaryToken(tok).Status, c.want, "status with %d bytes of quota", c.room)
		refused := c.want != ntstatus.Success
		check.That(t, own.InUse() == refused && (block.Used() == 0) == refused,
			"with %d bytes of quota: own token in use %t, %d bytes charged", c.room, own.InUse(), block.Used())
	}
	p.Exit()
	w.close(j, own, tok, p)
}

// When its token is replaced, a process has the fixed rights to itself and those that the new token gets (O-17). One
// that is deleted without an exit leaves its job (I-91).
func TestReplacedTokenLeavesFixedSelfAccess(t *testing.T) {
	w := newJobWorld(t)
	own, tok, job := w.token(user()), w.token(user()), w.NewJob(w.p.Token())
	succeeds(t, job.SetLimits(JobLimits{Flags: JobOnlyToken, Token: tok}))
	for text, want := range map[string]winnt.AccessMask{"D:": 0x1F07FB, "D:(A;;0x1000;;;WD)": 0x1F17FB} {
		for _, replace := range []func(*Process) Outcome{func(p *Process) Outcome { return p.AssignPrimaryToken(tok) },
			func(p *Process) Outcome { return p.AssignToJob(job) }} {
			p := w.newProcess("child", own, sddl.MustParse("O:SYG:SY"+text), 0)
			succeeds(t, replace(p))
			check.Equal(t, p.SelfAccess(), want, "O-17: rights to itself of a process with %s", text)
			if p.job.Load() != nil {
				check.Equal(t, p.AssignPrimaryToken(own).Rule, "I-90", "rule of another token in a job with a single one")
			}
			p.Deref(ob.TagCall)
			check.Equal(t, job.active, 0, "I-91: processes in the job")
		}
	}
	w.close(job, own, tok)
}

// T-112: an impersonation token is refused as such. The observed system first reports a level below
// SecurityImpersonation.
func TestImpersonationTokenCannotBePrimary(t *testing.T) {
	for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
		w := newJobWorld(t)
		w.Profile = profile
		for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
			spec := user()
			spec.Type, spec.Level = winnt.TokenImpersonation, level
			tok := w.token(spec)
			want := ntstatus.BadTokenType
			if profile == nt.Observed && level < winnt.SecurityImpersonation {
				want = ntstatus.BadImpersonationLevel
			}
			for _, out := range []Outcome{w.p.MayAssignPrimary(tok), w.p.AssignPrimaryToken(tok)} {
				if out.Status != want || out.Rule != "T-112" {
					t.Errorf("profile %v, level %v: %v, want %v", profile, level, out, want)
				}
			}
			tok.Deref(ob.TagCall)
		}
		w.close()
	}
}

// TestChildHasIntegrityOfItsProgram checks that a child runs at the program's integrity level if that is lower, down to
// untrusted (T-113, I-95). It shares neither its parent's token nor a given one that has another level or is in use.
func TestChildHasIntegrityOfItsProgram(t *testing.T) {
	w := newJobWorld(t)
	parents := w.p.PrimaryToken()
	for _, image := range []uint32{0, 0x1000, 0x2000, 0x3000, se.Unlabelled} {
		given := w.token(user())
		for _, tok := range []*se.TokenObject{nil, parents, given} {
			p, th, out := w.p.NewChild(Child{Image: image, Token: tok})
			check.RequireThat(t, out.Status == ntstatus.Success, "NewChild: %+v, want %v", out, ntstatus.Success)
			check.That(t, p.Security().Equal(se.DefaultDescriptor(p.Token(), winnt.ProcessObject)),
				"descriptor of a child without a given one")
			own, want := p.PrimaryToken(), min(image, 0x2000) // the integrity of both tokens
			if image == se.Unlabelled {
				want = 0x2000
			}
			check.That(t, own.Value().Integrity() == want && parents.Value().Integrity() == 0x2000 &&
				given.Value().Integrity() == 0x2000 && own != parents &&
				(own == given) == (tok == given && want == 0x2000),
				"program at %#x: child has integrity %#x, shares the parent's token %t, the given token %t", image,
				own.Value().Integrity(), own == parents, own == given)
			p.Exit()
			th.Deref(ob.TagCall)
			p.Deref(ob.TagCall)
		}
		given.Deref(ob.TagCall)
	}
	w.close()
}

// A child that cannot be made gives the status, the rule and the reason in words, and nothing is left (O-81, Q-2).
func TestRefusedChildHasItsReason(t *testing.T) {
	world := func(room int64) (*jobWorld, *quota.Block) {
		w, block := newJobWorld(t), quota.NewBlock(nil, room, false)
		check.Success(t, check.Status(w.p.Table().Insert(w.p, 0, winnt.OBJ_INHERIT)))
		w.p.SetQuota(block)
		return w, block
	}
	w, block := world(1 << 20)
	p, th, out := w.p.NewChild(Child{Name: "c", Image: se.Unlabelled, Inherit: true})
	succeeds(t, out)
	needed := block.Used()
	check.That(t, needed >= processSize+threadSize, "Q-2: a child is charged %d bytes", needed)
	p.Exit()
	w.close(th, p)
	for name, c := range map[string]struct {
		fault string
		room  int64
		want  Outcome
	}{
		"memory": {"ps: create process", 1 << 20, Outcome{Status: ntstatus.InsufficientResources, Rule: "O-81",
			Because: "not enough memory for the process"}},
		"quota": {"", 1, Outcome{Status: ntstatus.QuotaExceeded, Rule: "Q-2",
			Because: "the account has no quota left for a process"}},
		"quota of the thread": {"", needed - 1, Outcome{Status: ntstatus.QuotaExceeded, Rule: "Q-2",
			Because: "the account has no quota left for a process"}},
	} {
		w, block := world(c.room)
		w.Faults = func(point string) bool { return point == c.fault }
		p, th, out := w.p.NewChild(Child{Name: "c", Image: se.Unlabelled, Inherit: true})
		check.That(t, p == nil && th == nil && out == c.want, "%s: %v, %v, %+v, want only %+v", name, p, th, out, c.want)
		check.Equal(t, block.Used(), 0, "charged bytes after the refusal")
		w.close()
	}
}
