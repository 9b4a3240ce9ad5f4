package hostfs

import (
	"os"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Each passed descriptor is recorded, whatever the file's SACL is, together with the first use of its rights. If the
// record cannot be written, no descriptor is passed (F-157).
func TestPassedDescriptorIsAudited(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root copies mounts")
	}
	w, sink := audited(t, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
		func(c *Config) { c.HandOut = HandOutWrites })
	if _, err := w.tree.HandsOut(); err != nil {
		t.Skip(err)
	}
	w.file("f", "data", forEveryone)
	w.file("asked", "data", forEveryone+"S:(AU;SA;FA;;;WD)")
	th := w.as(alice, winnt.SeSecurityPrivilege)
	h := w.open(th, "f", toBoth, ntstatus.Success)
	sink.kept = nil
	for _, uid := range []uint32{strangerUID, 0} { // Root owns the file, so it gets a descriptor for reading.
		w.want(w.tryPass(th, h, uid), ntstatus.Success)
	}
	w.take(sink, `4663 success \Device\share\f 0x7`, `4663 success \Device\share\f 0x1`)
	sink.full = true
	w.want(w.tryPass(th, h, strangerUID), ntstatus.AuditFailed)
	sink.full = false
	h = w.open(th, "asked", toRead|winnt.ACCESS_SYSTEM_SECURITY, ntstatus.Success)
	sink.kept = nil
	w.want(w.tryPass(th, h, strangerUID), ntstatus.Success)
	w.want(check.Status(th.NtReadFileAt(h, 10, 0)), ntstatus.Success)
	w.take(sink, `4663 success \Device\share\asked 0x1`) // for the descriptor; the first use has no record of its own
}
