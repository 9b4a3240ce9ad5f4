package ps

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A process joins a job after an impersonation has checked the job and before it stores the token. The token is
// checked for the new job. If the job refuses it, the thread gets its previous state back, with one reference (I-41,
// I-90).
func TestConcurrentJobTestsToken(t *testing.T) {
	for _, c := range []struct {
		name                          string
		refused, demoted, acted, none bool // the process's job is gone instead
	}{
		{"a token that the job accepts", false, false, true, false},
		{"a token that the job rejects", true, false, true, false},
		{"a token that the job rejects, on a thread without impersonation", true, false, false, false},
		{"a copy that the job admits", false, true, true, false},
		{"a copy that the job refuses", true, true, true, false},
		{"a token that no job checks any more", false, false, true, true},
	} {
		w := newJobWorld(t)
		p, th, of := w.p, w.thread(), user()
		if c.demoted { // a process without the privilege, and another user's token
			th.Deref(ob.TagCall)
			var out Outcome
			given := w.token(user())
			if p, th, out = w.p.NewChild(Child{Token: given, Image: se.Unlabelled}); out.Status != ntstatus.Success {
				t.Fatal(out)
			}
			given.Deref(ob.TagCall)
			of = admin()
		}
		job := w.NewJob(w.p.Token())
		old, tok := w.client(user()), w.client(of)
		if c.acted {
			succeeds(t, ImpersonateClient(th, old, true, false, winnt.SecurityImpersonation))
		}
		if c.refused {
			flags := JobRestrictedToken
			if c.demoted {
				flags = JobNoAdmin
			}
			job.SetLimits(JobLimits{Flags: flags})
		}
		looked := job // the job that the token was tested for
		if !c.none {
			looked = nil
			p.job.Store(job)
			job.Ref(ob.TagLink)
			job.active++
		}
		wasOld, wasNew := old.PointerCount(), tok.PointerCount()
		before := th.imp.Load()
		_, other := th.accept(tok, false, false, winnt.SecurityImpersonation, looked)
		check.That(t, !c.demoted || c.refused || other != nil && other.Demoted,
			"%s: %+v, want a demoted token", c.name, other)
		now := th.imp.Load()
		if c.refused {
			check.That(t, other != nil && other.Status == ntstatus.AccessDenied && other.Rule == "I-90" && now == before,
				"I-90: %s: %+v, previous state restored %t, want STATUS_ACCESS_DENIED and true", c.name, other, now == before)
			if old.PointerCount() != wasOld || tok.PointerCount() != wasNew {
				t.Errorf("I-90: %s: %d and %d more references to the old and new token, want 0", c.name,
					old.PointerCount()-wasOld, tok.PointerCount()-wasNew)
			}
		} else {
			check.That(t, now != nil && now != before && (c.demoted || now.Token == tok),
				"I-41: %s: thread impersonates with %+v, want the new token", c.name, now)
			more := int64(1)
			if c.demoted {
				more = 0 // a copy has its own
			}
			if old.PointerCount() != wasOld-1 || tok.PointerCount() != wasNew+more {
				t.Errorf("I-41: %s: %d and %d more references to the old and new token, want -1 and %d", c.name,
					old.PointerCount()-wasOld, tok.PointerCount()-wasNew, more)
			}
		}
		th.RevertToSelf()
		for _, o := range []ob.Object{th, old, tok, job} {
			o.Head().Deref(ob.TagCall)
		}
		if p != w.p {
			p.Exit()
			p.Deref(ob.TagCall)
		}
		w.close()
	}
}

// If another token was assigned before a refused token is removed, the other token stays, and the refused one is
// released once (I-41).
func TestRefusedTokenKeepsNewerOne(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	job := w.NewJob(w.p.Token())
	job.SetLimits(JobLimits{Flags: JobNoAdmin})
	succeeds(t, w.p.AssignToJob(job))
	old, refused, later := w.client(user()), w.client(admin()), w.client(user())
	record := func(tok *se.TokenObject) *se.Impersonation {
		tok.Ref(ob.TagImpersonation)
		return tok.Impersonation(false, false, winnt.SecurityImpersonation)
	}
	before, r, now := record(old), record(refused), record(later)
	th.imp.Store(now) // r was replaced, and its reference dropped, by who set this one
	refused.Deref(ob.TagImpersonation)
	out := th.recheck(r, before)
	check.That(t, out.Status == ntstatus.AccessDenied, "I-41: recheck = %+v, want %v", out, ntstatus.AccessDenied)
	if th.imp.Load() != now || old.PointerCount() != 1 || refused.PointerCount() != 1 || later.PointerCount() != 2 {
		t.Errorf("I-41: state replaced %t; references: old %d, refused %d, later %d, want false, 1, 1, 2",
			th.imp.Load() != now, old.PointerCount(), refused.PointerCount(), later.PointerCount())
	}
	th.RevertToSelf()
	w.close(th, old, refused, later, job)
}
