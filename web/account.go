package web

// SignInPath is where people sign in.
const SignInPath = "/login"
