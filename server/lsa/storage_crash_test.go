package lsa

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// kills is how often a writer is killed.
const kills = 10

// TestMain is the writer that TestKillLosesNoAcknowledgedChange starts and kills.
func TestMain(m *testing.M) {
	folder := os.Getenv("REFMON_TEST_WRITER")
	if folder == "" {
		os.Exit(m.Run())
	}
	s, err := Open(Config{Folder: folder, Computer: "host", Password: cheap, Subuids: []string{}})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("u%d-%d", os.Getpid(), i)
		if err := s.Update(sid.LocalSystem, func(e *Edit) error {
			id := e.AddAccount(Account{Name: name})
			if err := e.AddMember(sid.BackupOperators, id); err != nil {
				return err
			}
			return e.SetPassword(name, logon.Secret(name))
		}); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("done", name)
	}
}

// TestKillLosesNoAcknowledgedChange checks that a killed daemon loses no acknowledged change and leaves no partial one
// (L-39).
func TestKillLosesNoAcknowledgedChange(t *testing.T) {
	folder := t.TempDir()
	var done []string
	for i := range kills {
		cmd := exec.Command(os.Args[0]) //nolint:gosec // this test again
		cmd.Env = append(os.Environ(), "REFMON_TEST_WRITER="+folder)
		out, err := cmd.StdoutPipe()
		check.NoError(t, err)
		check.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			name, ok := strings.CutPrefix(lines.Text(), "done ")
			if !ok {
				t.Fatal(lines.Text())
			}
			done = append(done, name)
			if n == 3+i { // the changes before the signal arrived
				check.NoError(t, cmd.Process.Kill())
			}
		}
		cmd.Wait()
	}
	s, err := Open(Config{Folder: folder, Computer: "host", Password: cheap, Subuids: []string{}})
	check.NoError(t, err)
	defer s.Close()
	check.RequireThat(t, len(done) >= kills*4, "only %d changes, want at least %d", len(done), kills*4)
	for _, name := range done {
		r, st := s.LogonPassword(name, logon.Secret(name), network)
		check.That(t, st == ntstatus.Success && has(r, sid.BackupOperators),
			"%s: logon %v, want success with Backup Operators", name, st)
	}
	for rid, a := range s.now.Load().accounts {
		check.That(t, a.Hash != "" && len(s.now.Load().memberOf[s.now.Load().machine.WithRID(rid)]) == 1,
			"%s is there by half, want all of it or nothing", a.Name)
	}
}
