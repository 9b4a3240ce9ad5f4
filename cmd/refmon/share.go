package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/internal/verbs/bulk/shares"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// shareFlag is a second gate before the objects.
type shareFlag struct {
	Share []string `help:"${share}" placeholder:"SDDL|FILE[:SHARE]" sep:"none"`
}

// gate stands before the objects: a descriptor, the configuration of a share, or both.
// The zero gate lets all through.
type gate struct {
	text   string         // SDDL; "": none
	sd     *sd.Descriptor // of sharesec
	config *shares.Config
}

// isSDDL tells a descriptor from the name of a file.
var isSDDL = regexp.MustCompile(`^[OGDS]:`)

// gate reads what --share names.
func (c *shareFlag) gate(std *streams) (*gate, error) {
	g := &gate{}
	for _, value := range c.Share {
		if isSDDL.MatchString(value) {
			if g.text != "" || g.sd != nil {
				return nil, errors.New("--share: a share has one descriptor")
			}
			g.text = value
			continue
		}
		if err := g.file(std, value); err != nil {
			return nil, fmt.Errorf("--share %s: %w", value, err)
		}
	}
	return g, nil
}

// file reads FILE or FILE:SHARE.
func (g *gate) file(std *streams, value string) error {
	name, share := value, ""
	file, err := std.readFile(name)
	if at := strings.LastIndexByte(value, ':'); errors.Is(err, fs.ErrNotExist) && at > 0 {
		name, share = value[:at], strings.Trim(value[at+1:], "[]")
		file, err = std.readFile(name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(value, ":/"):
		return fmt.Errorf("%w; a share of a Samba server is named by its file, as in smb.conf:%s", err, value)
	case err != nil:
		return err
	case shares.IsSecurity(file) && (g.text != "" || g.sd != nil):
		return errors.New("a share has one descriptor")
	case shares.IsSecurity(file):
		g.sd, err = shares.ParseSecurity(file, share)
	case g.config != nil:
		return errors.New("one share at a time")
	default:
		g.config, err = shares.ParseConfig(file, share)
	}
	return err
}

// objects takes from the configuration where the files are and how their attribute is called,
// unless the command line says.
func (g *gate) objects(c *objectsFlags, paths []string) []string {
	if g.config == nil {
		return paths
	}
	if len(paths) == 0 && c.Objects == "" && g.config.Path != "" {
		paths = []string{g.config.Path}
	}
	c.IgnoreSystemACLs = c.IgnoreSystemACLs || g.config.IgnorePOSIX
	if g.config.Attribute != "" {
		c.Attribute = g.config.Attribute
	}
	return paths
}

// descriptor returns that of the share; nil: it has none.
func (g *gate) descriptor(d *people.Directory) (*sd.Descriptor, error) {
	if g.text == "" {
		return g.sd, nil
	}
	share, err := sddl.Parse(g.text, sddl.Options{Domain: d.Domain})
	if err != nil {
		return nil, fmt.Errorf("--share: %w", err)
	}
	return share, nil
}

// before puts the share before the objects: a directory as its configuration leaves it, with
// the guard, or else a descriptor to ask first. What matters and is not read is said.
func (g *gate) before(std *streams, d *people.Directory) (*people.Directory, *shares.Guard, *sd.Descriptor, error) {
	share, err := g.descriptor(d)
	if err != nil || g.config == nil {
		return d, nil, share, err
	}
	guard := g.config.Guard(d, share)
	for _, note := range guard.Notes {
		fmt.Fprintf(std.err, "refmon: %s\n", printable(note))
	}
	d, err = guard.Apply()
	return d, guard, nil, err
}
