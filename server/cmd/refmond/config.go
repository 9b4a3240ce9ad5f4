package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// shipped is the default configuration, with every key.
//
//go:embed refmond.yaml
var shipped []byte

// settings are the keys of the configuration file.
type settings struct {
	State          string                  `json:"state"`
	Socket         string                  `json:"socket"`
	AdminSocket    string                  `json:"adminSocket"`
	Computer       string                  `json:"computer"`
	Root           string                  `json:"root"`
	Profile        string                  `json:"profile"`
	Administrators []uint32                `json:"administrators"`
	Privileges     map[uint32][]string     `json:"privileges"`
	StartAs        bool                    `json:"startAs"`
	Files          map[string]string       `json:"files"`
	Trees          map[string]treeSettings `json:"trees"`
	Kerberos       tickets                 `json:"kerberos"`
	Directory      directory               `json:"directory"`
	IDNumbers      string                  `json:"idNumbers"`
	Watch          struct {
		Socket string `json:"socket"`
	} `json:"watch"`
	Limits struct {
		Connections int   `json:"connections"`
		PerUser     int   `json:"perUser"`
		Threads     int   `json:"threads"`
		Quota       int64 `json:"quota"`
		Total       int64 `json:"total"`
		Reserve     int64 `json:"reserve"`
	} `json:"limits"`
	Audit auditSettings `json:"audit"`
	Log   struct {
		Level string `json:"level"`
	} `json:"log"`
}

// config is a validated configuration.
type config struct {
	settings
	profile    nt.Profile
	privileges map[uint32]winnt.PrivilegeSet
	limits     daemon.Limits
	files      map[string]*sd.Descriptor
	trees      []treeConfig // by name
	level      slog.Level

	file      string              // name of the configuration file; "" for the defaults
	inherited []*net.UnixListener // sockets from the service manager
}

// load returns the default configuration, overridden by the keys of file. If file is "", it returns the defaults. The
// result is always validated. An unreadable file and an unknown key are errors. An error names the file and, if known,
// the line.
func load(file string) (*config, error) {
	var c config
	if err := c.read(shipped); err != nil {
		return nil, fmt.Errorf("the configuration inside refmond: %w", err)
	}
	if file == "" {
		return &c, c.check()
	}
	text, err := configfile.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("configuration: %w; refmond config print > FILE writes one", err)
	} else if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := c.read(text); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	c.file = file // before check, because no mount may cover the file
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	return &c, nil
}

// identity returns the object that gives connecting programs their tokens: those of the accounts in s, with the
// additions that the configuration has for uids.
func (c *config) identity(s *lsa.Store) daemon.Identity {
	return auth.Stored{Store: s, Administrators: c.Administrators, Privileges: c.privileges}
}

// startsAs returns the function that maps users to the uids of programs started for them; nil if
// startAs is off.
func (c *config) startsAs(s *lsa.Store) func(sid.SID) (uint32, bool) {
	if !c.StartAs {
		return nil
	}
	return s.UID
}

// recorded are the privileges that a configuration may not grant. Their holders can do more than
// administrators, so each grant must be recorded (L-22).
var recorded = winnt.Privileges(winnt.SeTcbPrivilege, winnt.SeCreateTokenPrivilege, winnt.SeAssignPrimaryTokenPrivilege)

// read sets the settings from YAML. An unknown or repeated key is an error that names its line. Settings that
// text does not have stay.
func (c *config) read(text []byte) error {
	json, marks, err := strictyaml.JSON(text)
	if err != nil {
		return err
	}
	return strict.Locate(json, marks, strict.Unmarshal(json, &c.settings))
}

// leastQuota is the minimum quota of an account, in bytes. A program could not work with less.
const leastQuota = 1 << 20

// check validates the settings and sets the derived fields. check returns an error that names the first wrong key;
// derived fields may then be partly set. check reads no file, but looks up group names. state and socket are required,
// and all sockets must differ. A privilege that refmond records itself cannot be configured.
func (c *config) check() error {
	switch c.Profile {
	case "documented":
	case "observed":
		c.profile = nt.Observed
	default:
		return fmt.Errorf("profile: %q, want documented or observed", c.Profile)
	}
	if c.State == "" || c.Socket == "" || c.Socket == c.AdminSocket {
		return errors.New("state and socket are required, and adminSocket must differ from socket")
	}
	if w := c.Watch.Socket; w != "" && (w == c.Socket || w == c.AdminSocket) {
		return errors.New("watch.socket must differ from socket and adminSocket")
	}
	if err := c.level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %q, want debug, info, warn or error", c.Log.Level)
	}
	if c.Limits.Connections < 1 || c.Limits.PerUser < 1 || c.Limits.Threads < 1 {
		return errors.New("limits: each must be at least 1")
	}
	if err := c.Audit.check(); err != nil {
		return err
	}
	if l := c.Limits; l.Quota < leastQuota || l.Reserve < 1 || l.Total < l.Reserve || l.Total-l.Reserve < l.Quota {
		return fmt.Errorf("limits: quota %d must be at least %d bytes, reserve %d at least 1, "+
			"and total %d at least both together", l.Quota, leastQuota, l.Reserve, l.Total)
	}
	c.limits = daemon.Limits{Connections: c.Limits.Connections, PerUser: c.Limits.PerUser, Threads: c.Limits.Threads,
		Quota: c.Limits.Quota, Total: c.Limits.Total, Reserve: c.Limits.Reserve}
	c.privileges = map[uint32]winnt.PrivilegeSet{}
	for _, uid := range slices.Sorted(maps.Keys(c.Privileges)) {
		for _, name := range c.Privileges[uid] {
			p, err := winnt.ParsePrivilege(name)
			if err != nil {
				return fmt.Errorf("privileges of %d: %w", uid, err)
			}
			if recorded.Has(p) {
				return fmt.Errorf("privileges of %d: %s is granted by 'refmond account right', which is a record", uid, name)
			}
			c.privileges[uid] |= winnt.Privileges(p)
		}
	}
	if err := c.Kerberos.check(); err != nil {
		return fmt.Errorf("kerberos: %w", err)
	}
	if err := c.Directory.check(&c.Kerberos); err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	if err := c.parseFiles(); err != nil {
		return err
	}
	return c.checkTrees()
}

// parseFiles sets c.files. It returns an error that names the first wrong file.
func (c *config) parseFiles() error {
	if err := oneSpelling(c.Files, strings.EqualFold); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	c.files = map[string]*sd.Descriptor{}
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		if name == "" || strings.Contains(name, `\`) { // the kernel would refuse it (O-23)
			return fmt.Errorf("files: %s: a name has no \\ and is not empty", name)
		}
		// Text that Windows repairs could grant every right (S-80).
		d, err := sddl.ParseStrict(c.Files[name])
		if err != nil {
			return fmt.Errorf("files: %s: %w", name, err)
		}
		c.files[name] = d
	}
	return nil
}

// oneSpelling returns an error that names two keys of m for which same is true, nil if there are none.
func oneSpelling[V any](m map[string]V, same func(a, b string) bool) error {
	names := slices.Sorted(maps.Keys(m))
	for i, name := range names {
		if at := slices.IndexFunc(names[:i], func(other string) bool { return same(other, name) }); at >= 0 {
			return fmt.Errorf("%s: differs from %s only in upper and lower case", name, names[at])
		}
	}
	return nil
}
