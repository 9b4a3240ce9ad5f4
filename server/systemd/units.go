// Package systemd embeds the units of refmon-index, for the command that writes them for the machines of a site. The
// folder also has the units of the other programs.
package systemd

import "embed"

//go:embed refmon-index-*.service
var units embed.FS

// IndexUnit returns the unit refmon-index-ROLE.service as the packages install it, but with the program in
// /usr/local/bin. It returns an error if there is no such unit.
func IndexUnit(role string) ([]byte, error) {
	return units.ReadFile("refmon-index-" + role + ".service")
}
