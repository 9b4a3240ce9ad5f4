package main

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/strictyaml"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// shipped is the configuration with every key, as it is without a file.
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
		Connections int `json:"connections"`
		PerUser     int `json:"perUser"`
		Threads     int `json:"threads"`
	} `json:"limits"`
	Audit struct {
		Keep     bool `json:"keep"`
		Required bool `json:"required"`
	} `json:"audit"`
	Log struct {
		Level string `json:"level"`
	} `json:"log"`
}

// config is a configuration that was checked.
type config struct {
	settings
	profile    nt.Profile
	privileges map[uint32]winnt.PrivilegeSet
	limits     daemon.Limits
	files      map[string]*sd.Descriptor
	trees      []treeConfig // by name
	level      slog.Level

	inherited []*net.UnixListener // of the service manager; not of the file
}

// load reads a configuration file over what is shipped; without a file that is
// all. An error names the file and, where it can, the line.
func load(file string) (*config, error) {
	var c config
	if err := c.read(shipped); err != nil {
		return nil, fmt.Errorf("the configuration inside refmond: %w", err)
	}
	if file == "" {
		return &c, c.check()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := c.read(text); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	return &c, nil
}

// identity returns who decides about tokens: the accounts of the store, and what the
// configuration adds for uids.
func (c *config) identity(s *lsa.Store) daemon.Identity {
	return auth.Stored{Store: s, Administrators: c.Administrators, Privileges: c.privileges}
}

// startsAs returns the uids under which programs are started for other users; nil where
// that is not wanted.
func (c *config) startsAs(s *lsa.Store) func(sid.SID) (uint32, bool) {
	if !c.StartAs {
		return nil
	}
	return s.UID
}

// recorded are the privileges that no configuration gives: who holds one of them is
// more than an administrator, and the grant is a change with a record. L-22
var recorded = winnt.Privileges(winnt.SeTcbPrivilege, winnt.SeCreateTokenPrivilege, winnt.SeAssignPrimaryTokenPrivilege)

func (c *config) read(text []byte) error {
	json, marks, err := strictyaml.JSON(text)
	if err != nil {
		return err
	}
	return strict.Locate(json, marks, strict.Unmarshal(json, &c.settings))
}

// check turns the settings into what they mean.
func (c *config) check() error {
	switch c.Profile {
	case "documented":
	case "observed":
		c.profile = nt.Observed
	default:
		return fmt.Errorf("profile: %q, want documented or observed", c.Profile)
	}
	if c.State == "" || c.Socket == "" || c.Socket == c.AdminSocket {
		return errors.New("state and socket must be given, and adminSocket be another")
	}
	if w := c.Watch.Socket; w != "" && (w == c.Socket || w == c.AdminSocket) {
		return errors.New("watch.socket must be another than socket and adminSocket")
	}
	if err := c.level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %q, want debug, info, warn or error", c.Log.Level)
	}
	if c.Limits.Connections < 1 || c.Limits.PerUser < 1 || c.Limits.Threads < 1 {
		return errors.New("limits: each must be at least 1")
	}
	c.limits = daemon.Limits{Connections: c.Limits.Connections, PerUser: c.Limits.PerUser, Threads: c.Limits.Threads}
	c.privileges = map[uint32]winnt.PrivilegeSet{}
	for uid, names := range c.Privileges {
		for _, name := range names {
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
	c.files = map[string]*sd.Descriptor{}
	for name, text := range c.Files {
		d, err := sddl.Parse(text)
		if err != nil {
			return fmt.Errorf("files: %s: %w", name, err)
		}
		c.files[name] = d
	}
	return c.checkTrees()
}
