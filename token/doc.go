// Package token knows who may use the API.
//
// A token is a random secret of 256 bits that its owner is shown once; what is
// kept is its hash. It has a name, the scopes it is good for, and the sites it
// may name.
package token
