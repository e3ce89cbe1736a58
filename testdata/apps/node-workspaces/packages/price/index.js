const Big = require('big.js');

exports.total = (lines) => lines.reduce((sum, l) => sum.plus(new Big(l.price).times(l.count)), new Big(0)).toFixed(2);
