package main

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/strictyaml"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
	"golang.org/x/sys/unix"
)

// shipped is the configuration with every key, as it is without a file.
//
//go:embed refmond.yaml
var shipped []byte

// settings are the keys of the configuration file.
type settings struct {
	State          string              `json:"state"`
	Socket         string              `json:"socket"`
	Profile        string              `json:"profile"`
	Administrators []uint32            `json:"administrators"`
	Privileges     map[uint32][]string `json:"privileges"`
	Files          map[string]string   `json:"files"`
	Limits         struct {
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
	profile  nt.Profile
	accounts auth.Accounts
	limits   daemon.Limits
	files    map[string]*sd.Descriptor
	level    slog.Level
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

// identity returns who decides about tokens: the owner of the state folder is an
// administrator, as on the first day there is no other (W-15).
func (c *config) identity() daemon.Identity {
	a := c.accounts
	var st unix.Stat_t
	if err := unix.Stat(c.State, &st); err == nil {
		a.Administrators = append(slices.Clone(a.Administrators), st.Uid)
	} else {
		a.Administrators = append(slices.Clone(a.Administrators), uint32(unix.Geteuid())) // who makes it owns it
	}
	return a
}

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
	if c.State == "" || c.Socket == "" {
		return errors.New("state and socket must be given")
	}
	if err := c.level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %q, want debug, info, warn or error", c.Log.Level)
	}
	if c.Limits.Connections < 1 || c.Limits.PerUser < 1 || c.Limits.Threads < 1 {
		return errors.New("limits: each must be at least 1")
	}
	c.limits = daemon.Limits{Connections: c.Limits.Connections, PerUser: c.Limits.PerUser, Threads: c.Limits.Threads}
	c.accounts = auth.Accounts{Administrators: slices.Clone(c.Administrators),
		Privileges: map[uint32]winnt.PrivilegeSet{}}
	for uid, names := range c.Privileges {
		for _, name := range names {
			p, err := winnt.ParsePrivilege(name)
			if err != nil {
				return fmt.Errorf("privileges of %d: %w", uid, err)
			}
			c.accounts.Privileges[uid] |= winnt.Privileges(p)
		}
	}
	c.files = map[string]*sd.Descriptor{}
	for name, text := range c.Files {
		d, err := sddl.Parse(text)
		if err != nil {
			return fmt.Errorf("files: %s: %w", name, err)
		}
		c.files[name] = d
	}
	return nil
}
