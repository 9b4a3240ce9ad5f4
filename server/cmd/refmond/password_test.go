package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/terminal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/winnt"
)

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	check.NoError(t, err)
	return s.Lflag&unix.ECHO != 0
}

// prompt receives the prompts, and records whether the terminal echoes at that time.
type prompt struct {
	bytes.Buffer
	shows func() bool
	shown bool
}

func (p *prompt) Write(b []byte) (int, error) {
	p.shown = p.shown || p.shows()
	return p.Buffer.Write(b)
}

// TestTypedPasswordIsNotEchoed checks that a password is typed twice without echo, and that the terminal's settings are
// restored (L-1).
func TestTypedPasswordIsNotEchoed(t *testing.T) {
	for typed, want := range map[string]string{"secret\nsecret\n": "secret",
		"secret\nsecert\n": "the two passwords differ",
		"\n":               "the input is empty"} {
		person, program := terminal.Open(t)
		check.NoError(t, check.Err(io.WriteString(person, typed)))
		p := &prompt{shows: func() bool { return echoes(t, program) }}
		got, err := readPassword(program, p)
		check.That(t, string(got) == want || err != nil && got == "" && strings.Contains(err.Error(), want),
			"%q: %q, %v, want %q", typed, string(got), err, want)
		if err == nil && p.String() != "Password: \nOnce more: \n" {
			t.Errorf("typed %q: prompts %q, want \"Password: \\nOnce more: \\n\"", typed, p.String())
		}
		if p.shown || !echoes(t, program) {
			t.Errorf("typed %q: echo while typing %t, afterwards %t, want false, true",
				typed, p.shown, echoes(t, program))
		}
	}
}

// TestSignalAtPromptRestoresEcho checks that Ctrl-C, Ctrl-\ and the usual signals at the prompt end the command and
// restore the terminal's echo.
func TestSignalAtPromptRestoresEcho(t *testing.T) {
	for _, c := range []struct {
		typed string // or else the signal is sent
		by    os.Signal
		want  string
	}{{"\x03", unix.SIGINT, "signal: interrupt"}, {"\x1c", unix.SIGQUIT, "exit status 2"},
		{"", unix.SIGTERM, "signal: terminated"}, {"", unix.SIGHUP, "signal: hangup"}} {
		endAtPrompt(t, c.typed, c.by, c.want)
	}
}

// endAtPrompt checks that typed, or else a signal, ends the command at its prompt with the error want, and that the
// terminal echoes then.
func endAtPrompt(t *testing.T, typed string, by os.Signal, want string) {
	t.Helper()
	person, terminal := terminal.Open(t)
	cmd := exec.Command(build(t).bin, "account", "passwd", "alice") //nolint:gosec // the test built it
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	check.NoError(t, cmd.Start())
	var shown []byte
	for b := make([]byte, 100); !bytes.Contains(shown, []byte("Password: ")); {
		n, err := person.Read(b)
		check.NoError(t, err)
		shown = append(shown, b[:n]...)
	}
	check.That(t, !echoes(t, terminal), "the terminal echoes at the prompt")
	if typed != "" {
		check.NoError(t, check.Err(person.WriteString(typed)))
	} else {
		check.NoError(t, cmd.Process.Signal(by))
	}
	go func() { _, _ = io.Copy(io.Discard, person) }() // Go prints its goroutines after SIGQUIT
	err := cmd.Wait()
	check.That(t, err != nil && err.Error() == want, "%v at the prompt: %v, want %s", by, err, want)
	check.That(t, echoes(t, terminal), "%v at the prompt left the terminal without echo", by)
}

// TestPipedPasswordIsFirstLine checks that without a terminal the first line is the password, and that a password above
// the size limit is an error.
func TestPipedPasswordIsFirstLine(t *testing.T) {
	longest := strings.Repeat("x", maxPassword)
	for text, want := range map[string]string{"secret\nmore\n": "secret", "se cret\r\n": "se cret", " s ": " s ", "": "",
		"\n": "", "\r\n": "", "\nmore\n": "", longest: longest, longest + "\nmore": longest, longest + "x": "",
		longest + "x\n": "", longest + longest: ""} {
		r, w, err := os.Pipe()
		check.NoError(t, err)
		check.NoError(t, check.Err(io.WriteString(w, text)))
		check.NoError(t, w.Close())
		p := &prompt{shows: func() bool { return false }}
		if got, err := readPassword(r, p); string(got) != want || (err == nil) != (want != "") || p.Len() > 0 {
			t.Errorf("%q: %q, %v, prompts %q", text, string(got), err, p.String())
		}
		check.NoError(t, r.Close())
	}
}

// planted has the secrets that a run receives. No output or file of the run may contain one.
type planted struct {
	*program
	secrets map[string][]byte
	outputs map[string]string // outputs and error texts of the programs
}

// TestNoOutputOrFileContainsSecrets gives a run of refmond and refmon-gateway a password, a wrong password, a keytab, a
// ticket and a bearer token. Then it looks for them in the outputs and error texts of every command, the logs, the
// state folders with the trail, the temporary files, the process list and its environments. Both programs crash at the
// end, with the setting that makes Go ask the host's kernel for a core in the working directory (L-1, K-50, K-83).
func TestNoOutputOrFileContainsSecrets(t *testing.T) {
	p := &planted{program: build(t), outputs: map[string]string{}}
	programs.Install(t, p.dir, "refmon-gateway")
	key := forge.NewKey(18)
	p.secrets = map[string][]byte{"password": []byte("Planted-Passw0rd-4711"),
		"wrong password": []byte("Planted-Wr0ng-4712"), "keytab": key.KeyValue,
		"bearer token": []byte("eyJwbGFudGVkIjo0NzEzfQ.planted-bearer")}
	const realm, service = "EXAMPLE.TEST", "HTTP/www.example.test"
	keytab, temp := filepath.Join(p.dir, "keytab"), filepath.Join(p.dir, "temp")
	check.NoError(t, errors.Join(os.Mkdir(temp, 0o700), os.WriteFile(keytab, forge.Keytab(forge.Entry{Service: service,
		Realm: realm, Version: 2, Key: key}), 0o600)))
	t.Setenv("TMPDIR", temp)
	t.Setenv("GOTRACEBACK", "crash")
	t.Chdir(p.dir)
	var cores unix.Rlimit
	check.NoError(t, unix.Getrlimit(unix.RLIMIT_CORE, &cores))
	check.NoError(t, unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: cores.Max, Max: cores.Max}))
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &cores) })
	p.configure("log: {level: debug}\nkerberos: {keytab: " + keytab + ", realm: " + realm + "}\n")
	cmd, end := p.serve()
	p.must(string(p.secrets["password"])+"\n", "add", "alice", "--password")
	c := p.dial(p.socket)
	for _, l := range []struct{ name, secret string }{{"alice", "password"}, {"alice", "wrong password"},
		{"bob", "password"}} {
		_, _, st, sub := logOn(c, nt.InteractiveLogon, l.name, string(p.secrets[l.secret]), winnt.LOGON32_LOGON_NETWORK)
		p.outputs["logon of "+l.name] += fmt.Sprint(st, sub)
	}
	ticket := forge.Ticket{Service: service, Realm: realm, Key: key, Version: 2, Client: "alice", At: time.Now()}
	blob := ticket.Blob()
	p.secrets["ticket"], p.secrets["session key"] = blob[len(blob)-120:], ticket.SessionKey.KeyValue
	_, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)
	p.outputs["ticket"] = st.String()
	p.gateway()
	for _, verb := range [][]string{{"ps"}, {"sessions"}, {"why"}, {"open-files"}, {"account", "list"},
		{"handles", "16"}, {"revoke", "nobody-at-all"}} {
		out, _ := exec.Command(p.bin, append(verb, "--socket", p.admin)...).CombinedOutput()
		p.outputs[verb[0]] = string(out)
	}
	for _, verb := range [][]string{{"doctor", "--config", p.config}, {"config", "check", p.config}} {
		out, _ := exec.Command(p.bin, verb...).CombinedOutput()
		p.outputs[verb[0]] = string(out)
	}
	p.addProcesses()
	p.leavesNoCore(cmd.Process.Pid)
	if err := cmd.Process.Signal(unix.SIGABRT); err != nil { // a crash: Go prints every goroutine
		t.Fatal(err)
	}
	end()
	p.outputs["log"] = p.log.text()
	p.search(keytab)
	if !strings.Contains(p.outputs["log"], "SIGABRT") || !strings.Contains(p.outputs["log"], "rejected a client's") {
		t.Errorf("the log has no crash or no refusal, so the search shows nothing:\n%.2000s", p.outputs["log"])
	}
}

// gateway runs refmon-gateway and sends it the passwords and the bearer token.
func (p *planted) gateway() {
	p.Helper()
	config := written(p.T, filepath.Join(p.dir, "g.yaml"), fmt.Sprintf("socket: %s\nowner: %d\nfiles: 127.0.0.1:0\n"+
		"console: ''\ntrees: [projects]\nstate: %s\nlog: {level: debug}\n", p.socket, os.Getuid(),
		filepath.Join(p.dir, "gstate")))
	var log logged
	cmd := exec.Command(filepath.Join(p.dir, "refmon-gateway"), "serve", "--config", config)
	out, err := cmd.StderrPipe()
	check.NoError(p, err)
	check.NoError(p, cmd.Start())
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			log.add(lines.Text())
		}
	})
	log.await(p.T, 0, "msg=ready files=")
	at := regexp.MustCompile(`https://\S+`).FindString(log.text())
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, set := range []func(*http.Request){
		func(r *http.Request) { r.SetBasicAuth("alice", string(p.secrets["password"])) },
		func(r *http.Request) { r.SetBasicAuth("alice", string(p.secrets["wrong password"])) },
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+string(p.secrets["bearer token"])) },
		func(r *http.Request) { r.Header.Set("Cookie", "session="+string(p.secrets["bearer token"])) },
	} {
		r := check.Must(http.NewRequest(http.MethodGet, at+"/projects/", nil))
		set(r)
		a, err := web.Do(r)
		check.NoError(p, err)
		b, err := io.ReadAll(a.Body)
		_ = a.Body.Close()
		p.outputs["gateway"] += fmt.Sprint(a.Status, a.Header, string(b), err)
	}
	p.addProcesses()
	p.leavesNoCore(cmd.Process.Pid)
	_ = cmd.Process.Signal(unix.SIGABRT)
	reading.Wait()
	_ = cmd.Wait()
	p.outputs["gateway's log"] = log.text()
}

// addProcesses adds the command lines and environments of all processes, except for those of this test.
func (p *planted) addProcesses() {
	p.Helper()
	for _, name := range []string{"cmdline", "environ", "comm"} {
		files, err := filepath.Glob("/proc/[0-9]*/" + name)
		check.NoError(p, err)
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil { // it may have ended
				p.outputs["processes"] += string(b)
			}
		}
	}
}

// search looks for the secrets as bytes, in base64 and in hexadecimal, in the outputs and in all files of the run
// except the keytab.
func (p *planted) search(except string) {
	p.Helper()
	if b, err := os.ReadFile(except); err != nil || !bytes.Contains(b, p.secrets["keytab"]) {
		p.Errorf("the keytab has no key: %v", err)
	}
	err := filepath.WalkDir(p.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == except || path == p.bin || d.Name() == "refmon-gateway" {
			return err
		}
		check.That(p, !strings.HasPrefix(d.Name(), "core"), "K-83: the crash left %s", path)
		b, err := os.ReadFile(path)
		p.outputs[path] = string(b)
		return err
	})
	check.NoError(p, err)
	for name, s := range p.secrets {
		for where, text := range p.outputs {
			for _, form := range []string{string(s), base64.StdEncoding.EncodeToString(s), hex.EncodeToString(s)} {
				check.That(p, len(s) >= 12 && !strings.Contains(text, form), "the %s is in %s", name, where)
			}
		}
	}
	check.That(p, len(p.outputs) >= 18, "%d places were searched, want at least 18", len(p.outputs))
}
