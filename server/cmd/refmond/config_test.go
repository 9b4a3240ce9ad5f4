package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/examples/pipes"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/mount"
	"github.com/refmon/refmon/winnt"
)

// TestShippedConfigurationHasEveryKey checks that the shipped configuration is well formed and contains every key.
func TestShippedConfigurationHasEveryKey(t *testing.T) {
	check.NoError(t, check.Err(load("")))
	var keys func(reflect.Type)
	keys = func(s reflect.Type) {
		for i := range s.NumField() {
			key := s.Field(i).Tag.Get("json") + ":"
			check.That(t, strings.Contains(string(shipped), key), "refmond.yaml does not explain %s", key)
			if s.Field(i).Type.Kind() == reflect.Struct {
				keys(s.Field(i).Type)
			}
		}
	}
	keys(reflect.TypeFor[settings]())
}

// TestInvalidConfigErrorsNamePosition checks that each invalid value is an error with its position.
func TestInvalidConfigErrorsNamePosition(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"state: /x\nsokket: /y\n", "line 2: sokket: unknown field"},
		{"limits:\n  perUser: many\n", "perUser"},
		{"state: /x\nstate: /y\n", "line 2"},
		{"State: /x\n", "unknown field"},
		{"privileges:\n  7: [SeNoSuchPrivilege]\n", "privileges of 7"},
		// The error names the first of several wrong keys.
		{"privileges: {9: [x], 8: [x], 7: [x], 10: [x]}\n", "privileges of 7"},
		{"files: {d: x, b: x, a: x, c: x}\n", "files: a: "},
		{"profile: maybe\n", "documented or observed"},
		{"kerberos: {realm: R, domain: S-1-5-21-1-2-3}\ndirectory: {passwords: bind, security: tls}\n",
			"bind needs servers"},
		{"trees: {a: {}}\n", "trees: a: path:"},
		{"a: &b 1\n", "line 1"},
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		check.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
		_, err := load(file)
		check.That(t, err != nil && strings.Contains(err.Error(), c.want) && strings.Contains(err.Error(), file),
			"%q: %v, want %q", c.text, err, c.want)
	}
}

// every is a configuration with each key. Each value differs from the shipped one and from those of other keys, except
// audit.keep, because audit.policy needs the shipped value.
const every = `state: /st
socket: /so
adminSocket: /ad
computer: COMPUTER
root: carol
profile: observed
administrators: [11, 12]
privileges:
  7: [SeBackupPrivilege, SeDebugPrivilege]
  8: [SeRestorePrivilege]
startAs: true
files:
  one: 'O:BAG:SYD:(A;;FA;;;BA)'
  two: 'D:(A;;FR;;;WD)'
trees:
  b:
    path: /srv/b/./x/
    attribute: user.NTACL
    share: 'D:(A;;FR;;;AU)'
    traverse: never
    missing: synthesise
    ignorePosix: true
    caseInsensitive: true
    accessBased: true
    fileMode: '0640'
    directoryMode: '0751'
    group: '77'
    descriptors: write
    exposed: true
    mount: /mnt/b
    hideUnreadable: true
    followLinks: true
    mode: map
    listDescriptors: true
    backup: /mnt/backup
  a:
    path: /srv/a
    traverse: always
    descriptors: read
kerberos:
  keytab: /kt
  realm: R.TEST
  services: [HTTP/w]
  domain: S-1-5-21-1-2-3
  skew: 61
  encryptionTypes: [18]
  requireBinding: true
  delegated: true
directory:
  servers: ['ldaps://h:1']
  security: signed
  ca: /ca
  base: DC=b
  name: N
  kdc: ['k:2']
  account: acc
  passwords: kdc
  unqualified: true
  claims: {c: 'attr:int64'}
  fresh: 62
  stale: 63
  groups: 64
  entries: 65
  attempts: 66
  attemptsPerName: 68
  attemptsPerAddress: 67
idNumbers: /ids
watch:
  socket: /wa
limits:
  connections: 71
  perUser: 72
  threads: 73
  quota: 1048577
  total: 3000000
  reserve: 75
audit:
  keep: true
  required: false
  policy: {File System: success}
  size: 85
  age: 82
  overwrite: never
  reserve: 83
  connections: 84
log:
  level: debug
`

// loaded reads a configuration from a file, whose folder replaces FOLDER in text.
func loaded(t *testing.T, text string) (*config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.yaml")
	for link, target := range map[string]string{"b": "/srv/b/x", "mnt": "/mnt"} {
		check.NoError(t, os.Symlink(target, filepath.Join(filepath.Dir(file), link)))
	}
	return load(written(t, file, strings.ReplaceAll(text, "FOLDER", filepath.Dir(file))))
}

// TestEachKeySetsItsField checks that each key sets its own field and no other.
func TestEachKeySetsItsField(t *testing.T) {
	got, err := loaded(t, every)
	check.NoError(t, err)
	fr := sddl.MustParse("D:(A;;FR;;;WD)")
	files := got.files
	if len(files) != 2 || !files["one"].Equal(sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)")) || !files["two"].Equal(fr) {
		t.Errorf("files %v", files)
	}
	if s := got.trees[1].Share; s == nil || !s.Equal(sddl.MustParse("D:(A;;FR;;;AU)")) {
		t.Errorf("share %v", s)
	}
	got.files, got.trees[1].Share = nil, nil
	want := &config{profile: nt.Observed, level: slog.LevelDebug,
		privileges: map[uint32]winnt.PrivilegeSet{7: winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeDebugPrivilege),
			8: winnt.Privileges(winnt.SeRestorePrivilege)},
		limits: daemon.Limits{Connections: 71, PerUser: 72, Threads: 73, Quota: 1048577, Total: 3000000, Reserve: 75},
		trees: []treeConfig{{name: "a", Config: hostfs.Config{Path: "/srv/a", Attribute: "security.NTACL",
			Policy: fileaccess.Policy{Traverse: fileaccess.TraverseAlways}, HandOut: hostfs.HandOutReads}},
			{name: "b", groups: []uint32{77}, exposed: true, mount: "/mnt/b", hide: true, follow: true, modes: mount.MapMode,
				listed: true, backup: "/mnt/backup",
				Config: hostfs.Config{Path: "/srv/b/x", Attribute: "user.NTACL", Missing: hostfs.SynthesiseMissing,
					Policy:      fileaccess.Policy{Traverse: fileaccess.TraverseNever},
					IgnorePosix: true, CaseInsensitive: true, AccessBased: true, FileMode: 0o640, DirectoryMode: 0o751,
					HandOut: hostfs.HandOutWrites}}}}
	s := &want.settings
	s.State, s.Socket, s.AdminSocket, s.Computer, s.Root = "/st", "/so", "/ad", "COMPUTER", "carol"
	s.Profile, s.Administrators, s.StartAs, s.IDNumbers, s.Watch.Socket = "observed", []uint32{11, 12}, true, "/ids", "/wa"
	s.Privileges = map[uint32][]string{7: {"SeBackupPrivilege", "SeDebugPrivilege"}, 8: {"SeRestorePrivilege"}}
	s.Files = map[string]string{"one": "O:BAG:SYD:(A;;FA;;;BA)", "two": "D:(A;;FR;;;WD)"}
	s.Trees = map[string]treeSettings{"a": {Path: "/srv/a", Traverse: "always", Descriptors: "read"},
		"b": {Path: "/srv/b/./x/", Attribute: "user.NTACL", Share: "D:(A;;FR;;;AU)", Traverse: "never",
			Missing: "synthesise", IgnorePosix: true, CaseInsensitive: true, AccessBased: true, FileMode: "0640",
			DirectoryMode: "0751", Group: "77", Descriptors: "write", Exposed: true, Mount: "/mnt/b", ListDescriptors: true,
			Backup:         "/mnt/backup",
			HideUnreadable: true, FollowLinks: true, Mode: "map"}}
	s.Audit = auditSettings{Keep: true, Policy: map[string]string{"File System": "success"}, Size: 85, Age: 82,
		Overwrite: "never", Reserve: 83, Connections: 84}
	s.Kerberos = tickets{Keytab: "/kt", Realm: "R.TEST", Services: []string{"HTTP/w"}, Domain: "S-1-5-21-1-2-3",
		Skew: 61, EncryptionTypes: []int32{18}, RequireBinding: true, Delegated: true}
	s.Directory = directory{Servers: []string{"ldaps://h:1"}, Security: "signed", CA: "/ca", Base: "DC=b", Name: "N",
		KDC: []string{"k:2"}, Account: "acc", Passwords: "kdc", Unqualified: true,
		Claims: map[string]string{"c": "attr:int64"}, Fresh: 62, Stale: 63, Groups: 64, Entries: 65, Attempts: 66,
		AttemptsPerName: 68, AttemptsPerAddress: 67}
	s.Limits.Connections, s.Limits.PerUser, s.Limits.Threads = 71, 72, 73
	s.Limits.Quota, s.Limits.Total, s.Limits.Reserve = 1048577, 3000000, 75
	s.Log.Level = "debug"
	for i := range reflect.TypeFor[settings]().NumField() {
		f := reflect.TypeFor[settings]().Field(i)
		a, b := reflect.ValueOf(got.settings).Field(i).Interface(), reflect.ValueOf(want.settings).Field(i).Interface()
		check.DeepEqual(t, a, b, "%s", f.Name)
	}
	got.settings, want.settings, want.file = settings{}, settings{}, got.file
	check.That(t, reflect.DeepEqual(got, want), "%+v, want %+v", got, want)
}

// TestConfigValuesBeyondBoundsAreRejected changes a valid configuration: each change beyond a bound is rejected with
// its position, each value at the bound is accepted.
func TestConfigValuesBeyondBoundsAreRejected(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"adminSocket: /ad", "adminSocket: /so", "must differ from socket"}, {"state: /st", "state: ''", "are required"},
		{"socket: /wa", "socket: /so", "watch.socket"}, {"socket: /wa", "socket: /ad", "watch.socket"},
		{"socket: /wa", "socket: ''", ""}, {"adminSocket: /ad", "adminSocket: ''", ""},
		{"connections: 71", "connections: 0", "limits"}, {"perUser: 72", "perUser: 0", "limits"},
		{"quota: 1048577", "quota: 1048576", ""}, {"quota: 1048577", "quota: 1048575", "quota 1048575 must be at least"},
		{"total: 3000000", "total: 1048652", ""}, {"total: 3000000", "total: 1048651", "at least both together"},
		{"threads: 73", "threads: 0", "limits"}, {"threads: 73", "threads: 1", ""}, {"connections: 71", "connections: 1", ""},
		{"[SeRestorePrivilege]", "[SeTcbPrivilege]", "privileges of 8: SeTcbPrivilege"},
		{"[SeRestorePrivilege]", "[SeCreateTokenPrivilege]", "refmond account right"},
		{"[SeRestorePrivilege]", "[SeAssignPrimaryTokenPrivilege]", "refmond account right"},
		{"keytab: /kt", "keytab: ''", "directory: passwords: kdc needs"}, {"realm: R.TEST", "realm: ''", "kerberos: realm"},
		{"S-1-5-21-1-2-3", "S-1-5-21-1-2", "kerberos: domain"}, {"S-1-5-21-1-2-3", "S-1-5-21-1-2-3-4", "kerberos: domain"},
		{"S-1-5-21-1-2-3", "", "directory: kerberos.realm and kerberos.domain"}, {"skew: 61", "skew: 0", "kerberos: skew"},
		{"skew: 61", "skew: 1", ""}, {"skew: 61", "skew: 3600", ""}, {"skew: 61", "skew: 3601", "kerberos: skew"},
		{"passwords: kdc", "passwords: yes", "directory: passwords"}, {"passwords: kdc", "passwords: ''", ""},
		{"passwords: kdc", "passwords: bind", "bind needs servers, and security: tls"},
		{"attempts: 66", "attempts: 0", "directory: attempts"}, {"attempts: 66", "attempts: 1", ""},
		{"attemptsPerName: 68", "attemptsPerName: 65", "directory: attemptsPerName: 65, want at least attempts (66)"},
		{"attemptsPerName: 68", "attemptsPerName: 66", ""},
		{"attemptsPerAddress: 67", "attemptsPerAddress: 0", "directory: attempts"},
		{"security: signed", "security: none", "directory: security"}, {"security: signed", "security: tls", ""},
		{"account: acc", "account: ''", "directory: account"}, {"ldaps://h:1", "http://h", "directory"},
		{"account: acc", "account: acc\n  passwordFile: /p", "needs the keytab, not passwordFile"},
		{"fresh: 62", "fresh: -1", "must be at least 0"}, {"fresh: 62", "fresh: 0", ""},
		{"stale: 63", "stale: -1", "at least 0"},
		{"fresh: 62", "fresh: 9223372036", ""}, {"fresh: 62", "fresh: 9223372037", "at most 9223372036 seconds"},
		{"stale: 63", "stale: 9223372037", "at most 9223372036 seconds"},
		{"stale: 63", "stale: 0", ""}, {"groups: 64", "groups: 0", "at least 1"}, {"groups: 64", "groups: 1", ""},
		{"groups: 64", "groups: 10000", ""}, {"groups: 64", "groups: 10001", "groups: 10001, want at most 10000"},
		{"entries: 65", "entries: 0", "at least 1"}, {"entries: 65", "entries: 1", ""},
		{"attr:int64", "attr:float", "directory: claims: c"},
		{"claims: {c: 'attr:int64'}", "claims: {d: '', b: '', a: '', c: ''}", "directory: claims: a: "},
		{"overwrite: never", "overwrite: often", "audit.overwrite"}, {"overwrite: never", "overwrite: archive", ""},
		{"size: 85", "size: 83", "audit.size"}, {"size: 85", "size: 0", ""}, {"size: 85", "size: -1", "audit: size"},
		{"size: 85", "size: 1099511627776", ""}, {"size: 85", "size: 1099511627777", "audit: size"},
		{"reserve: 83", "reserve: 1099511627777", "audit: size"},
		{"age: 82", "age: 36500", ""}, {"age: 82", "age: 36501", "age from 0 to 36500"},
		{"age: 82", "age: -1", "audit: size"}, {"reserve: 83", "reserve: -1", "audit: size"},
		{"connections: 84", "connections: 0", "audit.connections"}, {"connections: 84", "connections: 1", ""},
		{"size: 85\n  age: 82\n  overwrite: never\n  reserve: 83", "size: 0\n  reserve: 1099511627776", ""},
		{"group: '77'", "group: root", ""}, {"group: '77'", "group: '4294967296'", "trees: b: group"},
		{"File System: success", "Files: success", "audit.policy"},
		{"File System: success", "File System: often", "audit.policy: File System"},
		{"File System: success", "File System: both, file system: none", "audit.policy: file system: another key"},
		{"File System: success", "File System: both, 0CCE921D-69AE-11D9-BED3-505054503030: both", "another key"},
		{"keep: true", "keep: false", "audit.policy needs audit.keep"},
		{"keep: true\n  required: false\n  policy: {File System: success}", "keep: false", ""},
		{"total: 3000000", "total: -9223372036854775808", "at least both together"},
		{"  two: ", "  ONE: ", "files: one: differs from ONE only in upper and lower case"},
		{"  two: ", "  'a\\b': ", "files: a\\b: a name"}, {"  two: ", "  '': ", "files: : a name"},
		{"\n  b:\n", "\n  Pipe:\n", "trees: Pipe: a device"}, {"\n  b:\n", "\n  nul:\n", "trees: nul: a device"},
		{"\n  b:\n", "\n  globalroot:\n", "trees: globalroot: a device"},
		{"\n  b:\n", "\n  Null:\n", "trees: Null: a device"},
		{"\n  b:\n", "\n  namedpipe:\n", "trees: namedpipe: a device"}, {"\n  b:\n", "\n  pipes:\n", ""},
		{"\n  b:\n", "\n  A:\n", "trees: a: differs from A only in upper and lower case"},
		{"claims: {c: 'attr:int64'}", "claims: {c: 'attr:int64', C: other, a: b}", "directory: claims: c: differs from C "},
		{"path: /srv/a", "path: /srv/b", "trees: b: its path"}, {"path: /srv/a", "path: /srv/b/x", "trees: b: its path"},
		{"path: /srv/a", "path: /srv/b/x/y", "trees: b: its path"}, {"path: /srv/a", "path: /srv/b/xy", ""},
		{"path: /srv/a", "path: /srv", "trees: b: its path"}, {"path: /srv/a", "path: /", "trees: a: path"},
		{"path: /srv/a", "path: //st/.", `trees: a: path: "/st" contains the state folder /st`},
		{"path: /srv/a", "path: FOLDER", "contains the configuration /"}, {"path: /srv/a", "path: /st/a", ""},
		{"path: /srv/a", "path: srv/a", "trees: a: path"},
		// The same places by symbolic links.
		{"path: /srv/a", "path: FOLDER/b/y", "trees: b: its path"},
		{"backup: /mnt/backup", "backup: FOLDER/b", "in the tree"},
		{"    path: /srv/a\n", "    path: /srv/a\n    backup: FOLDER/mnt/b\n", "would cover the mount of a at /"},
		{"mount: /mnt/b\n", "mount: mnt\n", "trees: b: mount"},
		{"mount: /mnt/b\n", "mount: ''\n", "hideUnreadable: it needs"},
		{"mount: /mnt/b\n    hideUnreadable: true", "#", "followLinks: it needs"},
		{"mount: /mnt/b\n    hideUnreadable: true\n    followLinks: true", "#", "mode: it needs"},
		{"mount: /mnt/b\n    hideUnreadable: true\n    followLinks: true\n    mode: map", "#",
			"listDescriptors: it needs"},
		{"    path: /srv/a\n", "    path: /srv/a\n    mount: /mnt/b/\n",
			`trees: b: mount: "/mnt/b" would cover the mount of a at /mnt/b`},
		{"mount: /mnt/b\n    hideUnreadable: true\n    followLinks: true\n    mode: map\n    listDescriptors: true",
			"mode: narrow", ""},
		{"    path: /srv/a\n", "    path: /srv/a\n    mount: /mnt/backup/in\n", `trees: b: backup: "/mnt/backup" would`},
		{"    path: /srv/a\n", "    path: /srv/a\n    backup: /mnt/b/in\n", "would cover the mount of a at /mnt/b/in"},
		{"    path: /srv/a\n", "    path: /srv/a\n    mount: /mnt\n", ""},
		{"listDescriptors: true", "listDescriptors: false", ""}, {"backup: /mnt/backup", "backup: mnt", "trees: b: backup"},
		{"mount: /mnt/b\n", "mount: //st/.\n", `trees: b: mount: "/st" would cover the state folder /st`},
		{"mount: /mnt/b\n", "mount: FOLDER\n", "would cover the configuration /"},
		{"mount: /mnt/b\n", "mount: /st/mnt\n", ""}, {"mount: /mnt/b\n", "mount: /srv/b/x/y\n", ""},
		{"mount: /mnt/b\n", "mount: /srv/b\n", "trees: b: mount: "}, {"mount: /mnt/b\n", "mount: /srv/b/x\n", ""},
		{"backup: /mnt/backup", "backup: /st", `backup: "/st" would cover the state`},
		{"backup: /mnt/backup", "backup: ''", ""}, {"backup: /mnt/backup", "backup: /mnt/b", "in the tree or in its mount"},
		{"backup: /mnt/backup", "backup: /mnt", "or contains the mount"},
		{"backup: /mnt/backup", "backup: /mnt/b/in", "in its mount"},
		{"backup: /mnt/backup", "backup: /srv/b/x/y", "in the tree"},
		{"user.NTACL", "system.NTACL", "trees: b: attribute"},
		{"user.NTACL", "user.", "trees: b: attribute"}, {"user.NTACL", "trusted.x", ""},
		{"traverse: never", "traverse: often", "trees: b: traverse"}, {"traverse: never", "traverse: privilege", ""},
		{"missing: synthesise", "missing: invent", "trees: b: missing"}, {"missing: synthesise", "missing: refuse", ""},
		{"descriptors: write", "descriptors: all", "trees: b: descriptors"}, {"descriptors: write", "descriptors: none", ""},
		{"share: 'D:(A;;FR;;;AU)'", "share: 'X:'", "trees: b: share"},
		{"share: 'D:(A;;FR;;;AU)'", "share: 'O:BAG:SY'", "trees: b: share: want a DACL"}, // open to all (F-111)
		{"share: 'D:(A;;FR;;;AU)'", "share: 'D:(A;;0x1f01ff000;;;AU)'", "trees: b: share: SDDL"},
		{"'O:BAG:SYD:(A;;FA;;;BA)'", "'O:BAG:SYD:(A;;0x1f01ff000;;;BA)'", "files: one: SDDL"},
		{"share: 'D:(A;;FR;;;AU)'", "share: ''", "accessBased"},
		{"'0640'", "'0778'", "trees: b: fileMode"}, {"'0640'", "'1000'", "trees: b: fileMode"}, {"'0640'", "'0777'", ""},
		{"'0751'", "'rwx'", "trees: b: directoryMode"}, {"'0751'", "'1777'", "trees: b: directoryMode"},
		{"group: '77'", "group: no-such-group-here", "trees: b: group"}, {"  b:\n", "  'b:c':\n", "trees: b:c: a name"},
		{"  b:\n", "  'b\\c':\n", "a name has no"}, {"reserve: 75", "reserve: 0", "reserve 0 at least 1"},
		{"'O:BAG:SYD:(A;;FA;;;BA)'", "'O:XX'", "files: one"}, {"level: debug", "level: warn", ""},
		{"level: debug", "level: loud", "log.level"}, {"S-1-5-21-1-2-3", "S-1-5-22-1-2-3", "kerberos: domain"},
		{"S-1-5-21-1-2-3", "EXAMPLE", "kerberos: domain"}, {"quota: 1048577", "quota: 1000", "at least 1048576 bytes"},
	} {
		if strings.Count(every, c.old) != 1 && c.old != "path: /srv/a" {
			t.Fatalf("%q occurs %d times in the configuration, want once", c.old, strings.Count(every, c.old))
		}
		_, err := loaded(t, strings.Replace(every, c.old, c.new, 1))
		check.That(t, (err == nil) == (c.want == "") && (err == nil || strings.Contains(err.Error(), c.want)),
			"%q in place of %q: %v, want %q", c.new, c.old, err, c.want)
	}
}

// TestDocumentedConfigurationsLoad checks that refmond accepts the configurations of the page, and that with the one
// for servers the programs in examples/pipes print what the page shows.
func TestDocumentedConfigurationsLoad(t *testing.T) {
	text, dir := page(t), t.TempDir()
	own := fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: %s\nlog: {level: error}\n", filepath.Join(dir, "state"),
		filepath.Join(dir, "s"), filepath.Join(dir, "a"))
	var servers *config
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		keys := strings.ReplaceAll(block[1], "1000:", fmt.Sprintf("%d:", os.Getuid()))
		cfg, err := load(written(t, filepath.Join(dir, "refmond.yaml"), own+keys))
		if err != nil {
			t.Errorf("%s%v", block[1], err)
		} else if len(cfg.files) > 0 {
			servers = cfg
		}
	}
	check.RequireThat(t, servers != nil, "the page has no files to try the examples with")
	said := runExample(t, servers)
	for line := range strings.Lines(said) {
		check.That(t, strings.Contains(text, "`"+strings.TrimSpace(line)+"`"), "the page does not say %q", line)
	}
	check.That(t, said == "report: STATUS_SUCCESS\npayroll: STATUS_ACCESS_DENIED\n",
		"the client prints\n%s, want %q", said, "report: STATUS_SUCCESS\npayroll: STATUS_ACCESS_DENIED\n")
}

// runExample runs the server and the client of examples/pipes against a daemon, and returns the client's output. First
// the client opens and closes the maximum number of connections.
func runExample(t *testing.T, cfg *config) string {
	t.Helper()
	t.Cleanup(served(t, cfg))
	var programs [2]*client.Conn
	var err error
	for i := range programs {
		if programs[i], err = client.Dial(cfg.Socket); err != nil {
			t.Fatal(err)
		}
		defer programs[i].Close()
	}
	says, out := io.Pipe()
	ended := make(chan struct{})
	defer func() { <-ended }()
	defer programs[0].Close()
	go func() {
		defer close(ended)
		out.CloseWithError(pipes.Serve(programs[0], out))
	}()
	lines := bufio.NewReader(says)
	if line, err := lines.ReadString('\n'); !strings.HasPrefix(line, "listening on ") {
		t.Fatalf(`the server said %q, %v, want text starting with "listening on "`, line, err)
	}
	go io.Copy(io.Discard, lines)
	var held []*nt.PipeConn // the maximum number of instances of the pipe
	deadline := time.Now().Add(20 * time.Second)
	for len(held) < 255 && time.Now().Before(deadline) {
		if c, err := programs[1].Thread().DialPipe("orders", nil); err == nil {
			held = append(held, c)
		}
	}
	for _, c := range held { // after an answer, the server waits for the next client
		check.NoError(t, check.Err(io.WriteString(c, "none")))
		check.NoError(t, check.Err(c.Read(make([]byte, 99))))
	}
	for _, c := range held {
		check.NoError(t, c.Close())
	}
	for {
		var said strings.Builder
		err := pipes.Ask(programs[1], winnt.SecurityImpersonation, []string{"report", "payroll"}, &said)
		if err == nil || time.Now().After(deadline) {
			check.NoError(t, err)
			// The rest of a name that is too long is no name.
			long := []string{strings.Repeat("x", 300), "report"}
			err := pipes.Ask(programs[1], winnt.SecurityImpersonation, long, io.Discard)
			check.That(t, errors.Is(err, io.EOF), "the server answers a name of 300 bytes: %v, want EOF", err)
			return said.String()
		}
	}
}

// TestAppArmorProfilesNameConfiguredFolders checks that each unit uses the AppArmor profile of its program, that the
// profile has the configured folders, and that AppArmor's parser accepts it, if it is installed.
func TestAppArmorProfilesNameConfiguredFolders(t *testing.T) {
	cfg, err := load("")
	check.NoError(t, err)
	parser, missing := exec.LookPath("apparmor_parser")
	for name, want := range map[string][]string{
		"refmond": {"/etc/refmon/** r", cfg.State + "/** rw", filepath.Dir(cfg.Socket) + "/** rw",
			"/usr/{,local/}bin/refmond mr", "capability dac_override", "capability sys_admin"},
		"refmon-gateway": {cfg.State + "-gateway/** rw", "/etc/refmon/gateway.yaml r", "capability net_bind_service"},
	} {
		path := filepath.Join("../../../packaging/apparmor", name)
		b := check.Must(os.ReadFile(path))
		for _, w := range append(want, "profile "+name+" ", "include if exists <local/"+name+">") {
			check.That(t, strings.Contains(string(b), w), "%s does not contain %q", path, w)
		}
		unit, err := os.ReadFile("../../systemd/" + name + ".service")
		check.That(t, err == nil && strings.Contains(string(unit), "\nAppArmorProfile=-"+name+"\n"),
			"%s.service has no AppArmorProfile line for its profile (%v)", name, err)
		if missing != nil {
			continue
		}
		// -Q loads nothing into the kernel.
		if out, err := exec.Command(parser, "-Q", "--skip-cache", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
	if missing != nil {
		t.Skip("the profiles were read, but not by AppArmor: no apparmor_parser on this machine")
	}
}

// TestSystemdFilesUseConfiguredPaths checks that sysusers and tmpfiles create the unit's user and folders with the
// configuration's paths, and that systemd accepts both, if it is installed.
func TestSystemdFilesUseConfiguredPaths(t *testing.T) {
	text := map[string]string{}
	for _, name := range []string{"service", "sysusers", "tmpfiles"} {
		b := check.Must(os.ReadFile("../../systemd/refmond." + name))
		text[name] = string(b)
	}
	cfg, err := load("")
	check.NoError(t, err)
	for in, want := range map[string][]string{
		"service":  {"User=refmond", "StateDirectory=" + filepath.Base(cfg.State), "RuntimeDirectory=refmon\n"},
		"sysusers": {"u refmond ", cfg.State},
		"tmpfiles": {"d " + cfg.State + " 0700 refmond", "d " + filepath.Dir(cfg.Socket) + " ",
			"d " + filepath.Dir(cfg.AdminSocket) + " "},
	} {
		for _, w := range want {
			check.That(t, strings.Contains(strings.Join(strings.Fields(text[in]), " "), strings.TrimSpace(w)),
				"refmond.%s does not contain %q", in, w)
		}
	}
	for program, in := range map[string]string{"systemd-sysusers": "sysusers", "systemd-tmpfiles": "tmpfiles"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Logf("no %s on this machine", program)
			continue
		}
		cmd := exec.Command(path, "--dry-run", "-")
		if program == "systemd-tmpfiles" {
			cmd = exec.Command(path, "--create", "--dry-run", "-")
		}
		cmd.Stdin = strings.NewReader(strings.ReplaceAll(text[in], " refmond refmond", " root root")) // no such user
		if out, err := cmd.CombinedOutput(); strings.Contains(string(out), "<stdin>:") ||
			strings.Contains(string(out), "Unknown") && !strings.Contains(string(out), "unrecognized option") {
			t.Errorf("%s: %v\n%s", program, err, out)
		}
	}
}
