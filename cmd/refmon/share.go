package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// shareFlag names a share that is checked before the objects.
type shareFlag struct {
	Share []string `help:"${share}" placeholder:"SDDL|FILE[:SHARE]" sep:"none"`
}

// gate is checked before the objects: a descriptor, the configuration of a share, or both. The zero gate allows
// everything.
type gate struct {
	text   string         // SDDL; "": none
	sd     *sd.Descriptor // of sharesec
	config *shares.Config
}

// isSDDL matches SDDL, as opposed to a file name.
var isSDDL = regexp.MustCompile(`^[OGDS]:`)

// gate reads the files of --share.
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

// objects returns the paths to read: those of the command line, or without any and without --objects the share's path.
// The share's attribute counts if --attribute is missing, and its "ignore system acls" in addition to the flag of c.
func (g *gate) objects(c *objectsFlags, paths []string) []string {
	if g.config == nil {
		return paths
	}
	if len(paths) == 0 && c.Objects == "" && g.config.Path != "" {
		paths = []string{g.config.Path}
	}
	c.IgnoreSystemACLs = c.IgnoreSystemACLs || g.config.IgnorePOSIX
	c.Attribute = cmp.Or(c.Attribute, g.config.Attribute)
	return paths
}

// descriptor returns the descriptor of the share, nil if it has none.
func (g *gate) descriptor(d *directory.Directory) (*sd.Descriptor, error) {
	if g.text == "" {
		return g.sd, nil
	}
	share, err := sddl.Parse(g.text, sddl.Options{Domain: d.Domain})
	if err != nil {
		return nil, fmt.Errorf("--share: %w", err)
	}
	return share, nil
}

// before applies the share: either it returns the directory after the configuration with its guard, or a descriptor
// to check first. It prints the notes about unsupported settings.
func (g *gate) before(std *streams, d *directory.Directory) (*directory.Directory, *shares.Guard, *sd.Descriptor,
	error) {
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
