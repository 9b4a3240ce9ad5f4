package ps

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestThreadToItself: a thread may do to itself what its creator is granted on it, and always
// end it, set it and query it, and nothing else (O-18, O-36).
func TestThreadToItself(t *testing.T) {
	const user = "S-1-5-21-1-2-3-2000"
	// THREAD_TERMINATE, SET_INFORMATION, QUERY_INFORMATION and the limited forms of the two.
	const always = winnt.AccessMask(0x0001 | 0x0020 | 0x0040 | 0x0400 | 0x0800)
	w := newJobWorld(t)
	for text, want := range map[string]winnt.AccessMask{
		"O:SYG:SYD:P":                            always,
		"O:SYG:SYD:(A;;0x20000;;;" + user + ")":  always | winnt.READ_CONTROL,
		"O:SYG:SYD:(A;;0x2;;;" + user + ")":      always | winnt.THREAD_SUSPEND_RESUME,
		"O:SYG:SYD:(A;;0x2;;;SY)":                always,
		"O:SYG:SYD:(A;;GA;;;" + user + ")":       winnt.THREAD_ALL_ACCESS & winnt.ThreadObject.Valid,
		"O:" + user + "G:SYD:P":                  always | winnt.READ_CONTROL | winnt.WRITE_DAC,
		"O:SYG:SYD:(D;;0x1;;;" + user + ")":      always,
		"O:SYG:SYD:(A;;0x100000;;;" + user + ")": always | winnt.SYNCHRONIZE,
	} {
		th, st := w.p.newThread(sddl.MustParse(text), true, false)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		if got := th.SelfAccess(); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		th.Exit()
		th.Deref(ob.TagCall)
	}
	w.close()
}

// TestChildOfALowProgram: a child has a token of its own, never its parent's, at the integrity
// of its program where that is lower, down to untrusted (T-113, I-95).
func TestChildOfALowProgram(t *testing.T) {
	w := newJobWorld(t)
	for _, image := range []uint32{0, 0x1000, 0x2000, 0x3000, se.Unlabelled} {
		p, th, out := w.p.NewChild(Child{Image: image})
		if out.Status != ntstatus.Success {
			t.Fatalf("%+v", out)
		}
		own, parents := p.PrimaryToken(), w.p.PrimaryToken()
		want := min(image, 0x2000) // the parent's
		if image == se.Unlabelled {
			want = 0x2000
		}
		if own == parents || own.Value().Integrity() != want || parents.Value().Integrity() != 0x2000 {
			t.Errorf("a program at %#x: integrity %#x, the parent's token: %t", image, own.Value().Integrity(), own == parents)
		}
		p.Exit()
		th.Deref(ob.TagCall)
		p.Deref(ob.TagCall)
	}
	w.close()
}
