package addc

import (
	"strings"
	"syscall"
)

// Modify applies LDIF to the directory, which may be running, as its administrator. It replaces BASE and SID as in
// [Order.Changes].
func (d *Domain) Modify(ldif string) {
	d.t.Helper()
	ldif = strings.NewReplacer("BASE", Base, "SID", d.SID.String()).Replace(ldif)
	d.run([]byte(ldif), "ldbmodify", "-H", d.path("private", "sam.ldb"), "--controls=relax:0",
		"--controls=local_oid:1.3.6.1.4.1.7165.4.3.12:0")
}

// Stop suspends the controller's processes if on is set, and otherwise resumes them.
func (d *Domain) Stop(on bool) {
	d.t.Helper()
	sig := syscall.SIGCONT
	if on {
		sig = syscall.SIGSTOP
	}
	d.must(syscall.Kill(-d.pid, sig))
}
