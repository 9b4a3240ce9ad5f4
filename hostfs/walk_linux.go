package hostfs

import (
	"cmp"
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
)

// findParent opens the directory of a path and records it in the facts. With walk it also opens every directory on
// the path, and records their security descriptors. A missing directory is no error: the facts record it, and parent
// stays -1.
func (p *place) findParent(base int, prefix, dir string, walk bool) error {
	if dir == "" {
		p.parent, p.path = base, prefix
		return p.keepParent()
	}
	if !walk {
		fd, err := below(base, dir, unix.O_DIRECTORY)
		if err == nil {
			p.parent, p.owned, p.path = fd, true, join(prefix, dir)
			return p.stepped(dir, fd, false)
		}
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ENAMETOOLONG) {
			return err
		}
	}
	return p.walk(base, prefix, dir, walk)
}

// walk opens the directories of a path one by one and records each in the facts. With ask it records their security
// descriptors, for the traverse check. A missing component, or one that is not a directory, is no error: parent stays
// -1. A link is ELOOP. With CaseInsensitive, letter case is ignored if the exact name is missing.
func (p *place) walk(base int, prefix, dir string, ask bool) error {
	at, spelled := base, prefix
	for part := range strings.SplitSeq(dir, `\`) {
		name := part
		fd, err := below(at, name, 0)
		if errors.Is(err, unix.ENOENT) && p.t.cfg.CaseInsensitive {
			var other string
			if other, err = p.fold(at, name); err == nil {
				name = other
				fd, err = below(at, name, 0)
			}
		}
		if at != base {
			shut(at)
		}
		if err == nil {
			err = p.stepped(name, fd, ask)
		}
		c := fileaccess.Component{Name: join(spelled, name)}
		switch {
		case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENAMETOOLONG):
			p.facts.Path = append(p.facts.Path, c)
			return nil
		case errors.Is(err, unix.ENOTDIR):
			c.Exists = true
			p.facts.Path = append(p.facts.Path, c)
			shut(fd)
			return nil
		case err != nil:
			shut(fd)
			return err
		}
		at, spelled = fd, join(spelled, name)
		p.facts.Path[len(p.facts.Path)-1].Name = spelled
	}
	p.parent, p.owned, p.path = at, true, spelled
	return nil
}

// stepped adds an opened directory to the facts about the path, and keeps its facts as those of the parent. With ask
// the path records its security descriptor. It also records a pending deletion. A link is ELOOP, any other file is
// ENOTDIR, and a directory on another device EXDEV.
func (p *place) stepped(name string, fd int, ask bool) error {
	s, err := stat(fd)
	if err != nil {
		return err
	}
	if kind := s.Mode & unix.S_IFMT; kind == unix.S_IFLNK {
		return unix.ELOOP
	} else if kind != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	if deviceOf(&s) != p.t.device {
		// A subvolume has a device of its own without a mount. Its inode numbers are those of other files too (F-112).
		return unix.EXDEV
	}
	c := fileaccess.Component{Name: name, Exists: true, IsDirectory: true, DeletePending: p.t.pending(s.Ino)}
	p.parentStatus, p.parentsKnown = s, nil
	if ask {
		k, err := p.t.known(held{fd, true}, &s, p.user)
		if err != nil {
			return err
		}
		c.Descriptor, p.parentsKnown = k.descriptor, k
	} else if p.parentsKnown, err = p.t.known(held{fd, true}, &s, p.user); err != nil {
		return err
	}
	p.facts.Path = append(p.facts.Path, c)
	return nil
}

// keepParent reads the inode number and the stored attributes of the parent directory at which a lookup starts, and
// keeps them in p.
func (p *place) keepParent() error {
	s, err := stat(p.parent)
	if err != nil {
		return err
	}
	p.parentStatus = s
	p.parentsKnown, err = p.t.known(held{p.parent, true}, &s, p.user)
	return err
}

// fold returns the first name in a directory that equals name without regard to case. It skips names with
// privatePrefix. If there is no such name, the error is ENOENT. An error of reading the directory is returned, because
// the name may be among those that were not read.
func (p *place) fold(dir int, name string) (string, error) {
	if err := p.t.fault("list", name); err != nil {
		return "", err
	}
	d, err := openDirectory(dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = d.Close() }() // only read
	for {
		names, err := d.Readdirnames(256)
		for _, n := range names {
			if strings.EqualFold(n, name) && !strings.HasPrefix(n, privatePrefix) {
				return n, nil
			}
		}
		if err != nil {
			// An unread name may be the requested one in another case, so it does not count as missing (F-113).
			return "", cmp.Or(ignoreEOF(err), error(unix.ENOENT))
		}
	}
}

// join joins a directory and a name with a backslash. It returns the other one if one of them is empty.
func join(dir, name string) string {
	if dir == "" || name == "" {
		return dir + name
	}
	return dir + `\` + name
}
