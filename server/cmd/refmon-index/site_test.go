package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/server/index"
)

// TestSiteStartsInAnyOrder installs a site from its generated files alone and starts its programs before their NATS
// server and their database. They wait with one line each, and again when both restart; every right answer holds
// (N-122). SIGTERM ends a follower that waits for its database. A directory source queries the LDAP server of its
// flags.
func TestSiteStartsInAnyOrder(t *testing.T) {
	t.Parallel()
	db := database.Start(t)
	folder := t.TempDir()
	c := &cluster{t: t, folder: folder, tree: filepath.Join(folder, "srv"), dir: filepath.Join(folder, "firm.yaml"),
		out: filepath.Join(folder, "main", "state", "follow"), args: map[string][]string{}}
	net, last := loopback()
	c.install(fmt.Sprintf("traverse: never\ndirectory: %s\npostgres: host=%s dbname=postgres user=%s\nmachines:\n",
		c.dir, db.Dir, database.Owner) +
		fmt.Sprintf("  mq1: {runs: [broker], address: %s.%d%s\n", net, last, c.folders("mq1")) +
		fmt.Sprintf("  files1: {runs: [watch], trees: [%s], noEvents: true, every: 200ms%s\n", c.tree, c.folders("files1")) +
		"  main: {runs: [directory, work, follow]" + c.folders("main") + "\n")
	err := errors.Join(os.Mkdir(c.tree, 0o755), os.WriteFile(filepath.Join(c.tree, "plan"), nil, 0o600),
		os.WriteFile(filepath.Join(c.tree, "own"), nil, 0o600), os.Chmod(filepath.Join(c.tree, "plan"), 0o644),
		os.WriteFile(c.dir, []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"), 0o600))
	check.NoError(t, err)
	machines := map[string]string{"broker": "mq1", "watch": "files1", "directory": "main", "work": "main",
		"follow": "main"}
	for role, machine := range machines {
		c.args[role] = c.program(machine, role)
	}
	c.running = processes{}
	t.Cleanup(func() {
		for name := range c.running {
			c.kill(name)
		}
	})
	lines := func(role, part string) int {
		b := check.Must(os.ReadFile(filepath.Join(folder, role+".log")))
		return bytes.Count(b, []byte(part))
	}
	others := []string{"watch", "directory", "work", "follow"}
	db.Stop()
	for _, role := range others {
		c.start(role)
	}
	for _, role := range others {
		c.waitUntil(role+" waits", func() bool { return lines(role, "waits for one") > 0 })
	}
	time.Sleep(500 * time.Millisecond) // several attempts
	c.start("broker")
	c.waitUntil("follow waits for its database", func() bool { return lines("follow", "wait for the database") > 0 })
	time.Sleep(500 * time.Millisecond)
	// A signal ends a follower that waits for its database, with code 0, also one that stores rows only there.
	c.args["rows"] = []string{"follow", "--site", filepath.Join(folder, "main", "etc"), "--postgres", "host=" + db.Dir}
	c.start("rows")
	c.waitUntil("rows waits for its database", func() bool { return lines("rows", "wait for the database") > 0 })
	c.end("rows")
	c.end("follow")
	c.start("follow")
	db.Again()
	holds := func(when string) {
		t.Helper()
		c.waitUntil("an answer "+when, c.hasAnswer)
		x := check.Must(index.Open(c.out, time.Minute))
		defer x.Close()
		for name, want := range map[string]bool{"plan": true, "own": false} {
			if a := x.CanRead("//files1"+filepath.Join(c.tree, name), "alice", "read"); a.Allowed != want || a.Because != "" {
				t.Errorf("%s: alice may read %s: %+v, want %t", when, name, a, want)
			}
		}
	}
	holds("after the start")
	var table bytes.Buffer
	code := run([]string{"lag", "--site", filepath.Join(folder, "mq1", "etc")}, &streams{out: &table, err: &table})
	for _, want := range []string{`SEEN +[0-9]+ +worker of part 0 of //files1` + regexp.QuoteMeta(c.tree),
		`CLASS +[0-9]+ +worker of share 0 of the classes`, `ROWS +[0-9]+ +follower main`, `PEOPLE +[0-9]+ +follower main`} {
		check.That(t, code == 0 && regexp.MustCompile(`(?m)^`+want+`$`).MatchString(table.String()),
			"refmon-index lag: exit code %d, want 0 and %s in\n%s", code, want, &table)
	}
	code = run([]string{"lag", "--site", filepath.Join(folder, "mq1", "etc")}, &streams{out: &noRoom{}, err: &table})
	check.Equal(t, code, exitFailed, "refmon-index lag without room for its table: exit code")
	c.kill("broker")
	db.Stop()
	for _, role := range others {
		c.waitUntil(role+" waits again", func() bool { return lines(role, "waits for one") > 1 })
	}
	c.waitUntil("no answer", func() bool { return !c.hasAnswer() })
	db.Again()
	c.start("broker")
	holds("after the restart")
	for _, role := range others {
		if n, m := lines(role, "waits for one"), lines(role, "connected to a NATS server"); n != 2 || m != 2 {
			t.Errorf("N-122: %s has %d lines about a lost server and %d about one that is back, want 2 of each\n%s", role, n, m,
				c.logs())
		}
	}
	waits := 0 // all have ended, so that the next one prints its line; a signal ended the first
	c.waitUntil("follow has its database", func() bool {
		waits = lines("follow", "wait for the database")
		return lines("follow", "postgres: connected") == waits-1
	})
	db.Stop()
	c.waitUntil("follow waits again", func() bool { return lines("follow", "wait for the database") > waits })
	c.end("follow")
	db.Again() // the test's end stops it

	secret := filepath.Join(folder, "secret")
	check.NoError(t, os.WriteFile(secret, []byte("wonderland"), 0o600))
	c.args["ldap"] = []string{"directory", "--site", filepath.Join(folder, "main", "etc"),
		"--ldap-server=ldaps://127.0.0.1:1", "--ldap-domain=S-1-5-21-1-2-3", "--ldap-account=a@x",
		"--ldap-password-file=" + secret}
	c.start("ldap")
	c.waitUntil("a query of the LDAP server", func() bool { return lines("ldap", "127.0.0.1:1: connect") > 0 })
}

// end sends SIGTERM to a process, which must end with code 0.
func (c *cluster) end(name string) {
	c.t.Helper()
	c.signal(name, syscall.SIGTERM)
	if err := c.running[name].Wait(); err != nil {
		c.t.Errorf("%s ended after SIGTERM with %v, want code 0\n%s", name, err, c.logs())
	}
	delete(c.running, name)
}

// TestUnknownConfigKeyNamesItsLine checks that a configuration file has the flags of its command, that a flag of the
// command line has precedence, and that other keys are errors with their line.
func TestUnknownConfigKeyNamesItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"name: w1\nsite: /none":              "/none/site.json",
		"site: /none\nname: w1\nbeat: 2s":    "/none/site.json",
		"site: /none\n":                      "--name",
		"site: null\nname: w1":               "null/site.json",
		"site: /none\nname: w1\nhost: x":     "line 3: host: the command work has no flag --host",
		"site: /none\nsite: /other":          "line 2",
		"name: w1\nconfig: x":                "line 2",
		"name: w1\nhelp: true":               "line 2: help: the command work has no flag --help",
		"- name":                             "line 1",
		"name: w1\nsite: /none\nbeat: often": "--beat",
	} {
		file := filepath.Join(t.TempDir(), "work.yaml")
		check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		var out, errs bytes.Buffer
		code := run([]string{"work", "--config", file}, &streams{out: &out, err: &errs})
		check.That(t, code == exitFailed && strings.Contains(errs.String(), want),
			"%q: code %d, %s, want %d and %q", text, code, &errs, exitFailed, want)
	}
	file, errs := filepath.Join(t.TempDir(), "work.yaml"), bytes.Buffer{}
	check.NoError(t, os.WriteFile(file, []byte("name: w1\nsite: /none\n"), 0o600))
	run([]string{"work", "--config", file, "--site", "/other"}, &streams{err: &errs})
	check.That(t, strings.Contains(errs.String(), "/other/site.json"), "a flag after --config: %s", &errs)
	errs.Reset()
	file = filepath.Join(t.TempDir(), "broker.yaml")
	check.NoError(t, os.WriteFile(file, []byte("name: a b\nroute: [x:1, 'y:2']\nunset: null\n"), 0o600))
	if code := run([]string{"broker", "--config=" + file}, &streams{err: &errs}); code != exitFailed ||
		!strings.Contains(errs.String(), "line 3: unset") {
		t.Errorf("an unknown key: %d, %s", code, &errs)
	}
	file, rest, err := configFile([]string{"work", "--beat", "1s", "--config", "f", "--name=x"})
	check.That(t, file == "f" && slices.Equal(rest, []string{"--beat", "1s", "--name=x"}) && err == nil,
		"configFile = %q, %q, %v", file, rest, err)
	for _, args := range [][]string{{"work", "--config=f", "--config", "g"}, {"work", "--config="}} {
		if _, _, err := configFile(args); err == nil {
			t.Errorf("%q: no error, want one", args)
		}
	}
}

// TestGeneratedConfigKeysAreCommandFlags checks that each key of each generated configuration file is a flag of its
// command, so that every machine of a site starts.
func TestGeneratedConfigKeysAreCommandFlags(t *testing.T) {
	c := &cluster{t: t, folder: t.TempDir()}
	c.install("directory: ''\nldap: {server: [ldaps://dc1], domain: S-1-5-21-1-2-3, account: a, passwordFile: /p, " +
		"ca: /c, base: DC=x}\nnats: [tls://mq:4222, tls://mq2:4222]\npostgres: host=/x\nmachines:\n" +
		"  a: {runs: [keep, directory, work]" + c.folders("a") + "\n" +
		"  b: {runs: [watch, follow], trees: [/srv], watch: /w, noEvents: true, every: 1m, bulk: /srv2/b" + c.folders("b") +
		"\n")
	files, err := filepath.Glob(filepath.Join(c.folder, "?", "etc", "*.yaml"))
	check.RequireThat(t, err == nil && len(files) == 5, "the configuration files are %q, %v, want five", files, err)
	parser, err := kong.New(&cli{}, kong.Vars{"traverse": "", "share": ""})
	check.NoError(t, err)
	for _, file := range files {
		args, err := withConfig(parser, []string{strings.TrimSuffix(filepath.Base(file), ".yaml"), "--config", file})
		if err == nil {
			_, err = parser.Parse(args)
		}
		check.That(t, err == nil, "%s: %v, want no error", file, err)
	}
}

// TestSiteRejectsEmptyFolder checks that refmon-index site does not take an empty folder for the working directory, and
// that a dry run writes nothing. A run that cannot print writes nothing either. A named pipe is
// not a site file.
func TestSiteRejectsEmptyFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, os.WriteFile("site.yaml",
		[]byte("directory: /d.yaml\nmachines:\n  m: {runs: [broker, watch, directory, work, follow], trees: [/srv]}\n"),
		0o600))
	err := (&siteCmd{File: "site.yaml"}).Run(&streams{out: &bytes.Buffer{}})
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "FOLDER is empty"), "site: %v, want an error", err)
	check.NoError(t, (&siteCmd{File: "site.yaml", Folder: "out", DryRun: true}).Run(&streams{out: &bytes.Buffer{}}))
	err = (&siteCmd{File: "site.yaml", Folder: "out"}).Run(&streams{out: (*os.File)(nil)})
	check.ErrorIs(t, err, os.ErrInvalid, "site without an output")
	list, _ := filepath.Glob("*")
	check.Equal(t, len(list), 1, "files in the working directory")
	r, w, err := os.Pipe()
	check.NoError(t, err)
	defer r.Close()
	check.NoError(t, errors.Join(check.Err(w.Write(check.Must(os.ReadFile("site.yaml")))), w.Close()))
	pipe := fmt.Sprintf("/dev/fd/%d", r.Fd()) // as of <(command)
	check.NoError(t, (&siteCmd{File: pipe, Folder: "out", DryRun: true}).Run(&streams{out: &bytes.Buffer{}}))
	err = (&siteCmd{File: "/dev/zero", Folder: "out"}).Run(&streams{out: &bytes.Buffer{}})
	check.That(t, err != nil && strings.Contains(err.Error(), "is larger than"), "an endless site file: %v", err)
}

// TestSitePrintsCommandsDespiteFailedWrite checks that refmon-index site prints the commands of a folder that it cannot
// write completely: the next run prints only those of the rest.
func TestSitePrintsCommandsDespiteFailedWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.yaml")
	check.NoError(t, os.WriteFile(file,
		[]byte("directory: /d.yaml\nmachines:\n  m: {runs: [broker, watch, directory, work, follow], trees: [/srv]}\n"),
		0o600))
	var out bytes.Buffer
	err := (&siteCmd{File: file, Folder: "/proc/none/out"}).Run(&streams{out: &out})
	check.That(t, errors.Is(err, os.ErrNotExist) && strings.Contains(err.Error(), "run this again") &&
		strings.Contains(out.String(), "ssh root@m "), "site: %v, printed %q, want an error and the command of m", err, &out)
}
