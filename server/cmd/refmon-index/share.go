package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

const shareHelp = "The share through which clients access the files, which limits their rights: its descriptor in " +
	"SDDL with a DACL or as sharesec prints it, or its section of smb.conf, as in smb.conf:NAME. The file is read once."

// share reads --share, as a descriptor in SDDL or as a section of smb.conf. A section becomes a guard, which also
// applies the source's descriptor. The guard passes the section's notes to warn whenever they change. Without --share
// both results are empty. Errors are an unreadable or malformed source, and a section together with --nats or --watch.
func (c *runCmd) share(warn func(error)) (text string, guard *index.Guard, err error) {
	s, err := shares.ReadSource(c.Share, os.ReadFile)
	if err != nil {
		return "", nil, err
	}
	security := s.Security
	if s.Text != "" {
		if security, err = shares.ParseDescriptor(s.Text); err != nil {
			return "", nil, fmt.Errorf("--share: %w", err)
		}
	}
	if s.Config == nil {
		if s.Text == "" && security != nil {
			s.Text, err = sddl.Format(security, sddl.Options{})
		}
		return s.Text, nil, err
	}
	if c.Nats || c.Watch != "" {
		return "", nil, errors.New("--share: a section of smb.conf excludes --nats and --watch")
	}
	var warned []string
	return "", &index.Guard{Name: s.Config.Share, Attribute: s.Config.Attribute, IgnoreSystemACLs: s.Config.IgnorePOSIX,
		Apply: func(d *directory.Directory) (*directory.Directory, error) {
			g := s.Config.Guard(d, security)
			if !slices.Equal(g.Notes, warned) {
				for _, note := range g.Notes {
					warn(errors.New(printable.Line(note)))
				}
				warned = g.Notes
			}
			return g.Apply()
		}}, nil
}
