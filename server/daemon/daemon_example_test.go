package daemon_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// program starts a program whose connection is a process with that token. Its
// outputs go to out, and an end of both is the end of the program.
func (r *running) program(out *os.File, bin, tok string, args ...string) *exec.Cmd {
	r.Helper()
	return r.programAs(nil, out, bin, tok, args...)
}

// programAs is program for another user of the host; nil: the current one.
func (r *running) programAs(user *syscall.Credential, out *os.File, bin, tok string, args ...string) *exec.Cmd {
	r.Helper()
	v := check.Must(token.Parse([]byte(tok)))
	f := check.Must(r.Attach(filepath.Base(bin), v))
	defer f.Close() // otherwise the connection would outlive the program
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), "REFMON_SOCKET=fd:3")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	check.NoError(r, cmd.Start())
	return cmd
}

// output runs a program to its end and returns its output.
func (r *running) output(bin, tok string, args ...string) (string, error) {
	r.Helper()
	out := check.Must(os.Create(filepath.Join(r.TempDir(), "out")))
	defer out.Close()
	failed := r.program(out, bin, tok, args...).Wait()
	b := check.Must(os.ReadFile(out.Name()))
	return string(b), failed
}

// pipePrograms builds the programs of examples/pipes and returns their folder.
func pipePrograms(t *testing.T) string {
	t.Helper()
	return programs.Once(t, "pipes", func(to string) (string, error) {
		build := exec.Command("go", "build", "-o", to+"/", "./examples/pipes/server", "./examples/pipes/client")
		build.Dir = "../.."
		out, err := build.CombinedOutput()
		return string(out), err
	})
}

// TestServerOpensFilesAsClient runs examples/impersonation.star with programs of both languages: a server opens files
// as its client, within the level that the client allows (I-7, I-22, I-84).
func TestServerOpensFilesAsClient(t *testing.T) {
	bin := pipePrograms(t)
	goServer, goClient := []string{filepath.Join(bin, "server")}, []string{filepath.Join(bin, "client")}
	runExample(t, goServer, goClient)
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	t.Setenv("PYTHONPATH", filepath.Join("..", "..", "clients", "python"))
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	dir := filepath.Join("..", "..", "examples", "pipes", "python")
	server := []string{interpreter, filepath.Join(dir, "server.py")}
	client := []string{interpreter, filepath.Join(dir, "client.py")}
	runExample(t, server, client)
	runExample(t, server, goClient)
	runExample(t, goServer, client)
}

// runExample runs the script with these two programs.
func runExample(t *testing.T, serverProgram, client []string) {
	t.Helper()
	d := start(t, nil)
	for name, text := range map[string]string{
		"report": "O:SYG:SYD:(A;;FR;;;DU)(A;;FA;;;SY)", "payroll": "O:SYG:SYD:(D;;FR;;;DU)(A;;FR;;;WD)",
		"server-secret": "O:NSG:NSD:(A;;FR;;;NS)",
	} {
		sec := check.Must(sddl.Parse(text, sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")}))
		check.NoError(t, d.System().CreateFile(name, sec))
	}
	d.counts = d.present() // the files stay
	in, out, err := os.Pipe()
	check.NoError(t, err)
	defer in.Close()
	server := d.program(out, serverProgram[0],
		`{"user":"NS","groups":["WD","BU"],"privileges":["SeImpersonatePrivilege"]}`, serverProgram[1:]...)
	defer func() { _, _ = server.Process.Kill(), server.Wait() }()
	_ = out.Close()
	said := bufio.NewReader(in)
	if line, err := said.ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening") {
		t.Fatalf(`%q, %v, want text starting with "listening", nil`, line, err)
	}
	conn := d.dial()
	odd := check.Must(conn.Thread().DialPipe("orders", nil))
	check.NoError(t, check.Err(io.WriteString(odd, "\xff"))) // no UTF-8
	_, _ = odd.Read(make([]byte, 99))                        // an answer or the end
	check.NoError(t, conn.Close())
	alice := `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`
	bob := `{"user":"S-1-5-21-1-2-3-1108","groups":["WD"]}`
	for _, c := range []struct {
		tok  string
		args []string
		want string
	}{
		{alice, []string{"report", "payroll", "server-secret"},
			"report: STATUS_SUCCESS\npayroll: STATUS_ACCESS_DENIED\nserver-secret: STATUS_ACCESS_DENIED\n"},
		{bob, []string{"report", "payroll"}, "report: STATUS_ACCESS_DENIED\npayroll: STATUS_SUCCESS\n"},
		{alice, []string{"-identify", "report"}, "report: STATUS_BAD_IMPERSONATION_LEVEL\n"},
	} {
		if got, err := d.output(client[0], c.tok, slices.Concat(client[1:], c.args)...); err != nil || got != c.want {
			t.Errorf("%s %q: %q, %v, want %q", c.tok, c.args, got, err, c.want)
		}
	}
	check.NoError(t, server.Process.Kill())
	all := string(check.Must(io.ReadAll(said)))
	check.That(t, !strings.Contains(all, "Traceback"), "the server prints\n%s", all)
	// refmond removes the killed server's pipe after a while. A client that connects before that receives an error.
	got, err := d.output(client[0], alice, append(client[1:len(client):len(client)], "report")...)
	for err == nil {
		got, err = d.output(client[0], alice, append(client[1:len(client):len(client)], "report")...)
	}
	check.That(t, got != "", "a client without a server prints nothing, want an error message")
	checkHostileAnswer(t, d, client, alice)
}

// checkHostileAnswer checks that an answer cannot control the terminal of a client: another server can have taken the
// name of the pipe.
func checkHostileAnswer(t *testing.T, d *running, client []string, tok string) {
	t.Helper()
	conn := d.dial()
	l := check.Must(conn.Thread().ListenPipe("orders", nt.PipeConfig{Message: true,
		SecurityDescriptor: sddl.MustParse("D:(A;;0x12019b;;;WD)")}))
	done := make(chan error, 1)
	go func() {
		c, err := l.AcceptPipe()
		if err == nil {
			_, err = c.Read(make([]byte, 99))
		}
		if err == nil {
			_, err = io.WriteString(c, "\x1b[2J\xff")
		}
		if err == nil {
			_, err = c.Read(make([]byte, 99)) // until the client has left
		}
		done <- err
	}()
	got, err := d.output(client[0], tok, append(client[1:len(client):len(client)], "report")...)
	if want := "report: ?[2J\ufffd\n"; err != nil || got != want {
		t.Errorf("a client of a hostile server: %q, %v, want %q", got, err, want)
	}
	check.ErrorIs(t, <-done, io.EOF, "the end of the client")
	check.NoError(t, conn.Close())
}
