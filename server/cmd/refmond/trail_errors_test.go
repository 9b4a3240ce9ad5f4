package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/winnt"
)

// onSmallDisk puts the state folder on a file system of mib MiB.
func (w *treeWorld) onSmallDisk(mib int) (state string) {
	w.Helper()
	state = filepath.Join(w.dir, "state")
	w.must(os.Mkdir(state, 0o700))
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", mib)); err != nil {
		w.Skipf("a small tmpfs cannot be mounted: %v", err)
	}
	w.Cleanup(func() { w.must(unix.Unmount(state, unix.MNT_DETACH)) })
	return state
}

// fill fills a file system. The returned function frees the space.
func (w *treeWorld) fill(dir string) (empty func()) {
	w.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	w.must(err)
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			w.Fatal(err)
		}
	}
	w.must(f.Close())
	return func() { w.must(os.Remove(name)) }
}

// floodLogons requests logons in which no credential is checked, and checks that the records stay within the rate.
func (w *treeWorld) floodLogons(state string) {
	w.Helper()
	th := w.connectAs(bob + 1)
	begun := time.Now()
	for i := range 200 {
		in := nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK}
		in.AuthenticationInformation.MessageType = nt.InteractiveLogon
		switch i % 4 {
		case 0:
			in.AuthenticationInformation.UserName = "bob"
			in.AuthenticationInformation.Password = logon.Secret(make([]byte, 2<<10))
		case 1:
			in.AuthenticationInformation.MessageType = nt.TokenLogon
		case 2:
			in.AuthenticationInformation.MessageType = nt.S4ULogon
			in.AuthenticationInformation.UserName = "nobody here"
		}
		if out, st := th.LsaLogonUser(in); st == ntstatus.Success {
			w.ok("close", th.NtClose(out.Token))
		}
	}
	most := 60 + int(time.Since(begun)/time.Second) + 1
	n := 0
	for _, e := range trailOf(w, state) {
		if name, _ := e.Field("LogonProcessName"); name == "LsaLogonUser" {
			n++
		}
	}
	if n < 40 || n > most {
		w.Errorf("U-92: %d records of 200 logons without a credential, want at most %d", n, most)
	}
}

// TestFullAuditDiskFailsOnlyAuditedCalls checks a full disk while one user floods connections. Operations without a
// matching SACL continue, audited ones fail with an error that names the cause, and an administrator can log on and
// work. Once space is free everything works again without a restart (U-64, U-92, U-93).
func TestFullAuditDiskFailsOnlyAuditedCalls(t *testing.T) {
	w := newTreeWorld(t)
	const everyone = "O:BAG:SYD:P(A;;FA;;;WD)"
	for name, text := range map[string]string{"plain": everyone, "spied": everyone + "S:(AU;SAFA;FA;;;WD)"} {
		w.must(os.WriteFile(filepath.Join(w.root, name), []byte("text"), 0o600))
		w.describe(name, text)
	}
	state := w.onSmallDisk(16)
	cfg := w.configure("administrators: [0]\naudit: {reserve: 1, connections: 60, policy: {File System: both}}\n")
	log := new(said)
	s, err := start(cfg, &streams{out: io.Discard, err: log})
	w.must(err)
	stop := serving(t, s)
	defer func() { stop() }()
	a := w.connectAs(alice)
	begun := time.Now()
	for range 200 {
		w.must(w.dial(bob).Close())
	}
	n := 0
	for _, e := range trailOf(w, state) {
		if e.ID == 4624 {
			n++
		}
	}
	most := 80 + int(time.Since(begun)/time.Second) // a user's budget of 60 records a minute refills by one a second
	if left := s.Stats().RecordsLeftOut; n < 60 || n > most || left < 180-uint64(most) {
		t.Errorf("200 connections: %d records, %d left out", n, left)
	}
	w.floodLogons(state)
	open := func(th *nt.Thread, name string) ntstatus.Status {
		h, st := th.NtOpenFile(winnt.FILE_READ_DATA, file(name).V, sharing, 0)
		if st == ntstatus.Success {
			w.ok("close", th.NtClose(h))
		}
		return st
	}
	w.ok("with room", open(a, "spied"))
	empty := w.fill(state)
	var st ntstatus.Status
	for range 5000 { // uses up the space preallocated for records
		if st = open(a, "spied"); st != ntstatus.Success {
			break
		}
	}
	check.That(t, st == ntstatus.AuditFailed, "on a full disk: %v, want STATUS_AUDIT_FAILED", st)
	for range 10 {
		w.must(w.dial(bob).Close())
		w.ok("what no SACL asks about", open(a, "plain"))
	}
	if st := open(w.connectAs(bob), "spied"); st != ntstatus.AuditFailed {
		t.Errorf("a second user: %v, want STATUS_AUDIT_FAILED", st)
	}
	chief, err := client.Dial(cfg.AdminSocket)
	w.must(err)
	w.ok("an administrator", open(chief.Thread(), "spied"))
	w.must(check.Err(admin.Ask(chief.Administer, admin.Request{Do: admin.AddAccount, Name: "helper"})))
	w.must(chief.Close())
	text := log.newOutput()
	check.That(t, strings.Contains(text, "no space left on device") && strings.Contains(text, state),
		"the log of the daemon does not name the cause: %s", text)
	var out bytes.Buffer
	(&doctorCmd{Config: w.config}).Run(&streams{out: &out, err: io.Discard})
	if !strings.Contains(out.String(), "WRONG audit") || !strings.Contains(out.String(), "no space left on device") ||
		!strings.Contains(out.String(), " of 1024 KiB in") || !strings.Contains(out.String(), "were left out") ||
		!strings.Contains(out.String(), "WRONG disk         0 MiB free") {
		t.Errorf("doctor:\n%s", out.String())
	}
	empty()
	w.ok("with room again", open(a, "spied"))
	w.ok("with room again", open(w.connectAs(bob), "spied"))
	out.Reset()
	(&doctorCmd{Config: w.config}).Run(&streams{out: &out, err: io.Discard})
	check.That(t, !strings.Contains(out.String(), "WRONG audit") && strings.Contains(out.String(), "records were lost"),
		"doctor, with room again:\n%s", out.String())
}
