package kernel_test

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/winnt"
)

// Ids of logon sessions differ between two systems, and their upper half is never 0, as it is for kernels that count
// from the well-known ids. Config.FirstLUID sets the first number (F-198).
func TestLogonSessionsOfTwoStartsDiffer(t *testing.T) {
	seen := map[winnt.LUID]bool{}
	for range 20 {
		sys := kernel.Boot(kernel.Config{})
		first, second := sys.OpenLogonSession(), sys.OpenLogonSession()
		for _, id := range []winnt.LUID{first, second} {
			check.That(t, !seen[id], "OpenLogonSession = %v, an id that an earlier system used", id)
			seen[id] = true
			check.That(t, id>>32 != 0, "OpenLogonSession = %v, want an id of 1<<32 or more", id)
		}
		check.That(t, second > first, "OpenLogonSession = %v after %v, want a larger id", second, first)
		check.NoError(t, sys.Close())
	}
	var fixed [2]winnt.LUID
	for i := range fixed {
		sys := kernel.Boot(kernel.Config{FirstLUID: 0x3E8})
		if fixed[i] = sys.OpenLogonSession(); fixed[i] < 0x3E8 || fixed[i] > 0x400 {
			t.Errorf("OpenLogonSession with FirstLUID 0x3e8 = %v, want 0x3e8 to 0x400", fixed[i])
		}
		check.NoError(t, sys.Close())
	}
	check.That(t, fixed[0] == fixed[1],
		"two systems with the same FirstLUID return %v and %v, want equal ids", fixed[0], fixed[1])
}

// The kernel calls a registered routine once at the end of each marked logon session, until the routine is removed
// (T-5).
func TestTerminatedRoutineIsCalledForMarkedSessions(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	var ended []winnt.LUID
	routine := &kernel.LogonSessionTerminatedRoutine{Call: func(id winnt.LUID) { ended = append(ended, id) }}
	check.Equal(t, k.SeUnregisterLogonSessionTerminatedRoutine(routine), ntstatus.NotFound,
		"removal before registration")
	check.Success(t, k.SeRegisterLogonSessionTerminatedRoutine(routine))
	before := sys.LogonSessions()
	// end opens a logon session, marks it if asked, and ends it with its only token.
	end := func(mark bool) winnt.LUID {
		id := sys.OpenLogonSession()
		check.Equal(t, sys.LogonSessions(), before+1, "logon sessions while one more is open")
		spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		spec.AuthenticationID = id
		tok := k.NewToken(check.Must(token.New(spec)))
		if mark {
			check.Success(t, k.SeMarkLogonSessionForTerminationNotification(id))
		}
		k.PsDereferencePrimaryToken(tok)
		check.Equal(t, sys.LogonSessions(), before, "logon sessions after the end")
		check.Equal(t, k.SeMarkLogonSessionForTerminationNotification(id), ntstatus.NotFound,
			"mark of an ended session")
		return id
	}
	end(false)
	first, second := end(true), end(true)
	check.Success(t, k.SeUnregisterLogonSessionTerminatedRoutine(routine))
	end(true)
	check.SlicesEqual(t, ended, []winnt.LUID{first, second}, "sessions reported to the routine")
}
