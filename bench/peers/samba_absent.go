//go:build !linux || !cgo || !samba

package main

import "errors"

func openSamba() (*peer, error) {
	return nil, errors.New("built without -tags samba, because the package samba-dev, or pkg-config or gcc, " +
		"was not there: bash bench/peers/install.sh")
}
