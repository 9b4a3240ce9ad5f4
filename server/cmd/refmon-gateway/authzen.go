package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/gateway"
	"github.com/refmon/refmon/server/internal/regular"
)

const maxTypes = 64 << 20 // bytes in the file of types

// authzenSettings are the keys of the AuthZEN API.
type authzenSettings struct {
	URL   string `json:"url"`
	Ask   string `json:"ask"`
	Rate  int    `json:"rate"`
	Types string `json:"types"`
}

// indexSettings are the keys of the questions to refmon-index.
type indexSettings struct {
	Socket string `json:"socket"`
	Ask    string `json:"ask"`
	Rate   int    `json:"rate"`
}

// forwardSettings are the keys of the forward-auth endpoint.
type forwardSettings struct {
	Proxies []string `json:"proxies"`
	Path    string   `json:"path"`
	Right   string   `json:"right"`
	Client  string   `json:"client"`
}

// checkQuestions validates the keys authzen, index and forwardAuth and the file of types, and sets questions, index and
// forward. It connects to nothing. The error names the key. Without a console they must all be unset. An error may
// leave them partly set.
func (c *config) checkQuestions() error {
	f := gateway.ForwardAuth{Path: c.ForwardAuth.Path, Right: c.ForwardAuth.Right, Client: c.ForwardAuth.Client}
	for _, text := range c.ForwardAuth.Proxies {
		p, err := prefix(text)
		if err != nil {
			return fmt.Errorf("forwardAuth.proxies: %w", err)
		}
		f.Proxies = append(f.Proxies, p)
	}
	c.forward = f
	if s := c.AuthZEN; s.URL != "" {
		c.questions = &gateway.AuthZEN{URL: s.URL, Ask: s.Ask, Rate: s.Rate}
		if s.Types != "" {
			file, err := regular.Read(s.Types, maxTypes)
			if err != nil {
				return fmt.Errorf("authzen.types: %w", err)
			}
			if c.questions.Types, err = authzen.ReadTypes(file); err != nil {
				return fmt.Errorf("authzen.types: %s: %w", s.Types, err)
			}
		}
	}
	if s := c.Index; s.Socket != "" {
		c.index = &gateway.Index{Socket: s.Socket, Ask: s.Ask, Rate: s.Rate}
	}
	if c.Console == "" && (c.questions != nil || c.index != nil || len(f.Proxies) > 0) {
		return errors.New("authzen, index and forwardAuth are served at the address of the console: set console")
	}
	// New checks the remaining settings. It opens no connection.
	g, err := gateway.New(gateway.Config{Dial: c.dial, AuthZEN: c.questions, Index: c.index, ForwardAuth: f})
	if err != nil {
		return err
	}
	return g.Close()
}

// prefix parses the addresses of a trusted proxy: an IP address, as a network of one address, or a network such as
// 192.0.2.0/28. IPv4 addresses and networks may also be written as IPv6, such as ::ffff:192.0.2.0/124. Bits of a
// network beyond its length stay. A network of all addresses is an error. So are a zone and an IPv6 link-local address,
// because the address of such a proxy always has a zone.
func prefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if at, bad := netip.ParseAddr(text); bad == nil && at.Zone() == "" {
		p, err = netip.PrefixFrom(at, at.BitLen()), nil
	}
	if p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96) // invalid for a larger network than all IPv4 addresses
	}
	switch {
	case err != nil || p.Bits() <= 0:
		return netip.Prefix{}, fmt.Errorf("%q is neither an address such as 192.0.2.1 "+
			"nor a network such as 192.0.2.0/28", text)
	case p.Addr().Is6() && p.Addr().IsLinkLocalUnicast():
		return netip.Prefix{}, fmt.Errorf("%q is link-local and matches no proxy: give another address of the proxy",
			text)
	}
	return p, nil
}
