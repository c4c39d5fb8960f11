package account

import (
	"errors"
	"slices"
)

// Role is what somebody may do at a site. Each role may do what those before it
// may.
type Role string

// The roles, the least first. The zero value may do nothing.
const (
	Viewer Role = "viewer" // sees the numbers
	Editor Role = "editor" // also sees jobs, runs and changes them, and gives out share links
	Owner  Role = "owner"  // also decides who else may
)

// Everywhere stands for all sites, also those to come. The owners everywhere are
// those of the installation.
const Everywhere = "*"

// Roles lists the roles there are, the least first.
func Roles() []Role { return []Role{Viewer, Editor, Owner} }

// rank is higher for who may do more; 0 is nobody's.
func (r Role) rank() int { return slices.Index(Roles(), r) + 1 }

// AtLeast tells whether a role may do all that another may.
func (r Role) AtLeast(other Role) bool { return r.rank() > 0 && r.rank() >= other.rank() }

// ErrRole is returned for what is no role.
var ErrRole = errors.New("a role is viewer, editor or owner")

// CheckRole refuses what is no role.
func CheckRole(r Role) error {
	if r.rank() == 0 {
		return ErrRole
	}
	return nil
}
