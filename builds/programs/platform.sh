# A checkout of Slipway in the source: checks that it is one, and installs its packages. Sourced by the builds of infrastructure.

# enter: goes to DIRECTORY, if it is a checkout of Slipway that has the product and pins this pipeline's CDK CLI.
enter() {
  local where=$DIRECTORY pinned
  [ -d "$where" ] || fail "the repository has no folder $where. Correct pipeline.infrastructure.directory in products/$PRODUCT.yaml: the folder with cdk.json."
  cd "$where" || fail "$where cannot be entered."
  [ -f cdk.json ] || fail "$where/cdk.json does not exist. Set pipeline.infrastructure.directory in products/$PRODUCT.yaml to the folder of the checkout of Slipway."
  [ -f "products/$PRODUCT.yaml" ] || [ -f "products/examples/$PRODUCT.yaml" ] ||
    fail "unknown product: this commit has no products/$PRODUCT.yaml. Restore it. To stop deploying $PRODUCT, remove pipeline.infrastructure from it and type: npx cdk deploy 'tooling/*' -c product=$PRODUCT"
  [ -f package-lock.json ] || fail "$where/package-lock.json does not exist; it pins the CDK CLI. Restore it: git checkout main -- package-lock.json"
  pinned=$(jq --raw-output '.packages["node_modules/aws-cdk"].version // "none"' package-lock.json)
  [ "$pinned" = "$CDK_VERSION" ] ||
    fail "package-lock.json pins the CDK CLI $pinned, and this pipeline deploys with $CDK_VERSION. Deploy the tooling yourself, so that the pipeline has $pinned: npx cdk deploy 'tooling/*' -c product=$PRODUCT; then: slipway start infrastructure"
}

# python_packages <lock>: into .venv, by their hashes.
python_packages() {
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement "$1" 2>&1 | keep ||
    failed "the Python packages of $1 cannot be installed." "Is the lock up to date? make lock"
}

# node_packages: the CDK CLI and the Node.js that runs it, as package-lock.json has them.
node_packages() {
  npm ci --no-audit --no-fund --silent 2>&1 | keep || failed "npm cannot install package-lock.json." "Is it up to date? npm install"
}
